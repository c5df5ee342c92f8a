#include "account/account.h"
#include "account/sasl.h"

#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::account {
namespace {

// The example of RFC 7628 §4.1.
constexpr std::string_view kToken = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
const std::string kExample =
    "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
    "auth=Bearer " +
    std::string(kToken) + "\x01\x01";

SaslSettings settings() {
    SaslSettings out;
    out.oauth_scope = "mail.send";
    out.openid_configuration = "https://login.example/.well-known/openid-configuration";
    return out;
}

Account user() {
    Account out;
    out.login = "user@example.com";
    return out;
}

// The mechanism with a shell that knows one token, kToken, of `owner`.
struct Exchange {
    SaslSettings shared = settings();
    std::unique_ptr<SaslServer> server;
    std::string owner = "user@example.com";
    std::optional<Account> account = user();
    std::string claimed;  // as the shell was told
    std::vector<std::string> challenges;

    explicit Exchange(Mechanism mechanism, std::vector<std::string> identities = {})
        : server(SaslServer::make(mechanism, shared, "", {}, std::move(identities))) {}

    std::string run(std::optional<std::string_view> initial, const std::string& answer = "\x01") {
        SaslStep step = server->start(initial);
        while (true) {
            if (const auto* challenge = std::get_if<SaslChallenge>(&step)) {
                challenges.push_back(challenge->bytes);
                step = server->step(answer);
            } else if (const auto* need = std::get_if<SaslNeedToken>(&step)) {
                claimed = need->login;
                step = need->token == kToken
                           ? server->give_token({.account = owner, .refusal = {}})
                           : server->give_token({.account = {}, .refusal = "signature: wrong"});
            } else if (std::holds_alternative<SaslNeedAccount>(step)) {
                const std::string login = std::get<SaslNeedAccount>(step).login;
                step = server->give_account(
                    account && account->login == login ? account : std::nullopt
                );
            } else if (const auto* success = std::get_if<SaslSuccess>(&step)) {
                return success->login;
            } else {
                return std::string(name(std::get<SaslFailure>(step).why));
            }
        }
    }
};

std::string run(Mechanism mechanism, const std::string& message) {
    return Exchange(mechanism).run(message);
}

TEST(OAuthBearer, TheExampleOfTheRfc) {
    Exchange exchange(Mechanism::OAuthBearer);
    EXPECT_EQ(exchange.run(kExample), "user@example.com");
    EXPECT_EQ(exchange.claimed, "user@example.com");
    EXPECT_TRUE(exchange.challenges.empty());
    Exchange in_two(Mechanism::OAuthBearer);
    EXPECT_EQ(in_two.run(std::nullopt, kExample), "user@example.com");
    EXPECT_EQ(in_two.challenges, std::vector<std::string>{""});
}

// RFC 7628 §3.2.2, §3.2.3
TEST(OAuthBearer, ARefusedTokenIsExplainedInJson) {
    Exchange exchange(Mechanism::OAuthBearer);
    EXPECT_EQ(
        exchange.run("n,,\x01"
                     "auth=Bearer other\x01\x01"),
        "token"
    );
    ASSERT_EQ(exchange.challenges.size(), 1U);
    const auto told = nlohmann::json::parse(exchange.challenges[0]);
    EXPECT_EQ(told["status"], "invalid_token");
    EXPECT_EQ(told["scope"], "mail.send");
    EXPECT_EQ(
        told["openid-configuration"], "https://login.example/.well-known/openid-configuration"
    );
}

TEST(OAuthBearer, TheTokenMustBeOfWhoIsNamed) {
    Exchange unnamed(Mechanism::OAuthBearer);
    EXPECT_EQ(
        unnamed.run(
            "n,,\x01"
            "auth=Bearer " +
            std::string(kToken) + "\x01\x01"
        ),
        "user@example.com"
    );
    Exchange other(Mechanism::OAuthBearer);
    other.owner = "somebody@example.com";
    EXPECT_EQ(other.run(kExample), "token");
    Exchange odd(Mechanism::OAuthBearer);
    odd.owner = "\x01";
    EXPECT_EQ(odd.run(kExample), "token");
    Exchange nobody(Mechanism::OAuthBearer);
    nobody.account.reset();
    EXPECT_EQ(nobody.run(kExample), "token");
    Exchange disabled(Mechanism::OAuthBearer);
    disabled.account->enabled = false;
    EXPECT_EQ(disabled.run(kExample), "disabled");
    Exchange upper(Mechanism::OAuthBearer);
    upper.owner = "User@Example.com";
    EXPECT_EQ(upper.run(kExample), "user@example.com");
}

TEST(OAuthBearer, MalformedMessages) {
    const std::string bearer = "auth=Bearer " + std::string(kToken);
    for (const std::string& message : std::vector<std::string>{
             "",
             "n,,",
             "n,,\x01\x01",
             "n,,\x01" + bearer,
             "n,,\x01" + bearer + "\x01",
             "n,\x01" + bearer + "\x01\x01",
             "p=tls-exporter,,\x01" + bearer + "\x01\x01",
             "n,user,\x01" + bearer + "\x01\x01",
             "n,a=,\x01" + bearer + "\x01\x01",
             "n,a=u=2,\x01" + bearer + "\x01\x01",
             "n,,x\x01" + bearer + "\x01\x01",
             "n,,\x01"
             "auth=Basic dGVzdA==\x01\x01",
             "n,,\x01"
             "auth=Bearer \x01\x01",
             "n,,\x01"
             "auth=Bearer a b\x01\x01",
             "n,,\x01"
             "=x\x01" +
                 bearer + "\x01\x01",
             "n,,\x01"
             "host\x01" +
                 bearer + "\x01\x01",
             "user=user@example.com\x01" + bearer + "\x01\x01"
         }) {
        EXPECT_EQ(run(Mechanism::OAuthBearer, message), "malformed") << message;
    }
}

// What Google and Microsoft describe.
TEST(XOAuth2, TakesATokenAndItsUser) {
    const std::string good =
        "user=user@example.com\x01"
        "auth=Bearer " +
        std::string(kToken) + "\x01\x01";
    EXPECT_EQ(run(Mechanism::XOAuth2, good), "user@example.com");
    Exchange refused(Mechanism::XOAuth2);
    EXPECT_EQ(
        refused.run(
            "user=user@example.com\x01"
            "auth=Bearer x\x01\x01",
            ""
        ),
        "token"
    );
    ASSERT_EQ(refused.challenges.size(), 1U);
    EXPECT_EQ(
        nlohmann::json::parse(refused.challenges[0]),
        (nlohmann::json{{"status", "401"}, {"schemes", "bearer"}, {"scope", "mail.send"}})
    );
    EXPECT_EQ(run(Mechanism::XOAuth2, kExample), "malformed");
}

// RFC 4422 appendix A
TEST(External, TheCertificateSaysWhoItIs) {
    const std::vector<std::string> names{"other@example.com", "User@example.com"};
    EXPECT_EQ(Exchange(Mechanism::External, names).run("user@example.com"), "user@example.com");
    EXPECT_EQ(Exchange(Mechanism::External, names).run(""), "certificate")
        << "without a wish the first name counts, and no account has it";
    EXPECT_EQ(Exchange(Mechanism::External, {"user@example.com"}).run(""), "user@example.com");
    EXPECT_EQ(
        Exchange(Mechanism::External, {"user@example.com"}).run(std::nullopt, ""),
        "user@example.com"
    );
    EXPECT_EQ(Exchange(Mechanism::External, names).run("third@example.com"), "certificate");
    EXPECT_EQ(Exchange(Mechanism::External).run("user@example.com"), "certificate");
    Exchange disabled(Mechanism::External, {"user@example.com"});
    disabled.account->enabled = false;
    EXPECT_EQ(disabled.run(""), "disabled");
}

}  // namespace
}  // namespace sekisho::account
