#include "account/sasl_client.h"

#include "account/account.h"
#include "account/password.h"
#include "account/sasl.h"
#include "base/bytes.h"

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace sekisho::account {
namespace {

const ChannelBindings kBound{{"tls-exporter", std::string("chan\0nel", 8)}};

// Our client at our server, each with what it sees of the connection. "" for a success, else why.
std::string meet(
    Mechanism mechanism,
    const ClientLogin& who,
    const std::string& password,
    const ChannelBindings& client_sees = {},
    const ChannelBindings& server_sees = {}
) {
    static const SaslSettings kSettings{
        .fake_key = std::string(32, 'k'), .dummy_argon2id = "nobody", .scram_iterations = 4096
    };
    Account account;
    account.login = "taro,=x";
    account.credential.hash = password;
    account.credential.scram = derive_scram_keys(password, "0123456789abcdef", 4096);
    const auto client = SaslClient::make(mechanism, who, "clientclientclient", client_sees);
    const auto server = SaslServer::make(mechanism, kSettings, "serverserverserver", server_sees);
    const auto initial = client->start();
    SaslStep step =
        server->start(initial ? std::optional<std::string_view>(*initial) : std::nullopt);
    while (true) {
        if (const auto* said = std::get_if<SaslChallenge>(&step)) {
            const auto answer = client->step(said->bytes);
            if (!answer) {
                return "client: " + answer.error().message;
            }
            step = server->step(*answer);
        } else if (const auto* need = std::get_if<SaslNeedAccount>(&step)) {
            step = server->give_account(
                need->login == account.login ? std::optional(account) : std::nullopt
            );
        } else if (const auto* verify = std::get_if<SaslNeedVerify>(&step)) {
            step = server->give_verified(verify->password == verify->hash);
        } else if (std::holds_alternative<SaslSuccess>(step)) {
            return client->complete() ? "" : "incomplete";
        } else {
            return "server: " + std::string(name(std::get<SaslFailure>(step).why));
        }
    }
}

TEST(SaslClientTest, EveryMechanismLetsInWhoKnowsThePassword) {
    const ClientLogin right{"taro,=x", "cherry, blossom"};
    const ClientLogin wrong{"taro,=x", "plum"};
    for (const Mechanism one : {Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256}) {
        EXPECT_EQ(meet(one, right, right.password), "") << name(one);
        EXPECT_EQ(meet(one, wrong, right.password), "server: wrong-password") << name(one);
        EXPECT_EQ(meet(one, {"hanako", "x"}, right.password), "server: unknown-user") << name(one);
    }
}

TEST(SaslClientTest, ABoundOneSeesWhoStandsBetween) {
    const ClientLogin who{"taro,=x", "cherry"};
    const auto plus = Mechanism::ScramSha256Plus;
    EXPECT_EQ(meet(plus, who, "cherry", kBound, kBound), "");
    EXPECT_EQ(
        meet(plus, who, "cherry", kBound, {{"tls-exporter", "another"}}), "server: malformed"
    );
    EXPECT_EQ(SaslClient::make(plus, who, "n", {}), nullptr);
    EXPECT_EQ(SaslClient::make(Mechanism::External, who, "n", {}), nullptr);
}

TEST(SaslClientTest, TheBestOneIsChosen) {
    using M = Mechanism;
    EXPECT_EQ(choose_mechanism({"PLAIN", "LOGIN", "SCRAM-SHA-256"}, {}), M::ScramSha256);
    EXPECT_EQ(choose_mechanism({"scram-sha-256-plus", "SCRAM-SHA-256"}, {}), M::ScramSha256);
    EXPECT_EQ(
        choose_mechanism({"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, kBound), M::ScramSha256Plus
    );
    EXPECT_EQ(choose_mechanism({"LOGIN", "plain"}, {}), M::Plain);
    EXPECT_EQ(choose_mechanism({"GSSAPI", "LOGIN"}, {}), M::Login);
    EXPECT_EQ(choose_mechanism({"GSSAPI", "CRAM-MD5"}, {}), std::nullopt);
}

// RFC 7677 §3.
TEST(SaslClientTest, TheExampleOfTheRfc) {
    const auto client =
        SaslClient::make(Mechanism::ScramSha256, {"user", "pencil"}, "rOprNGfwEbeRWgbNEkqO", {});
    EXPECT_EQ(client->start(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    const auto final = client->step(
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    ASSERT_TRUE(final);
    EXPECT_EQ(
        *final,
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    EXPECT_FALSE(client->complete());
    ASSERT_TRUE(client->step("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    EXPECT_TRUE(client->complete());
    EXPECT_FALSE(client->step("v=x"));
}

TEST(SaslClientTest, AServerThatDoesNotKnowThePasswordIsLeft) {
    const auto after = [](const std::string& first, const std::string& last) {
        const auto client = SaslClient::make(Mechanism::ScramSha256, {"user", "pencil"}, "abc", {});
        (void)client->start();
        auto step = client->step(first);
        if (step && !last.empty()) {
            step = client->step(last);
        }
        return step ? std::string() : step.error().message;
    };
    const std::string good = "r=abcdef,s=c2FsdA==,i=4096";
    EXPECT_EQ(after(good, ""), "");
    EXPECT_TRUE(after(good, "v=c2FsdA==").contains("doesn't know the password"));
    EXPECT_TRUE(after(good, "e=invalid-proof").contains("invalid-proof"));
    EXPECT_TRUE(after("r=xyz,s=c2FsdA==,i=4096", "").contains("nonce"));
    EXPECT_TRUE(after("r=abc,s=c2FsdA==,i=4096", "").contains("nonce"));
    EXPECT_TRUE(after("r=abcdef,s=,i=4096", "").contains("salt"));
    EXPECT_TRUE(after("r=abcdef,s=c2FsdA==,i=0", "").contains("iteration"));
    EXPECT_TRUE(after("r=abcdef,s=c2FsdA==,i=4e9", "").contains("iteration"));
    EXPECT_TRUE(after("r=abcdef,s=c2FsdA==,i=4000000000", "").contains("4000000000"));
    EXPECT_TRUE(after("m=new,r=abcdef,s=c2FsdA==,i=4096", "").contains("extension"));
    EXPECT_TRUE(after("", "").contains("nonce"));
}

}  // namespace
}  // namespace sekisho::account
