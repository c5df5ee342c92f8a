#include "account/sasl.h"

#include "account/account.h"
#include "account/app_password.h"
#include "account/digest.h"
#include "account/password.h"
#include "base/bytes.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::account {
namespace {

using namespace std::string_literals;

const std::string kNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string kClientNonce = "rOprNGfwEbeRWgbNEkqO";

SaslSettings settings() {
    SaslSettings out;
    out.fake_key = std::string(32, 'k');
    out.dummy_argon2id = *make_dummy_hash(kTestHash);
    out.scram_iterations = 4096;
    return out;
}

// The account of RFC 7677 §3.
Account rfc_account() {
    Account account;
    account.login = "user";
    account.credential.hash = *hash_password("pencil", kTestHash);
    account.credential.scram =
        derive_scram_keys("pencil", *unbase64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
    return account;
}

const SaslChallenge& challenge(const SaslStep& step) {
    return std::get<SaslChallenge>(step);
}
const SaslFailure& failure(const SaslStep& step) {
    return std::get<SaslFailure>(step);
}

// The client's side of RFC 5802 §3, written apart from the server's.
std::string client_final(
    std::string_view password,
    const std::string& gs2,
    const std::string& bare,
    const std::string& server_first
) {
    const auto parts = split(server_first, ',');
    const std::string salt = *unbase64(parts.at(1).substr(2));
    const auto iterations =
        static_cast<std::uint32_t>(std::stoul(std::string{parts.at(2).substr(2)}));
    const std::string salted = pbkdf2_sha256(password, salt, iterations);
    const std::string client_key = hmac_sha256(salted, "Client Key");
    const std::string without = "c=" + base64(gs2) + "," + std::string{parts.at(0)};
    std::string proof = hmac_sha256(sha256(client_key), bare + "," + server_first + "," + without);
    for (std::size_t i = 0; i < proof.size(); ++i) {
        proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
    }
    return without + ",p=" + base64(proof);
}

struct ScramRun {
    std::string login = "user";
    std::string password = "pencil";
    std::string gs2 = "n,,";
    std::optional<Account> account = rfc_account();

    [[nodiscard]] SaslStep run(std::string* server_first = nullptr) const {
        static const SaslSettings kSettings = settings();
        const auto server = SaslServer::make(Mechanism::ScramSha256, kSettings, kNonce);
        const std::string bare = "n=" + login + ",r=" + kClientNonce;
        SaslStep step = server->start(gs2 + bare);
        if (!std::holds_alternative<SaslNeedAccount>(step)) {
            return step;
        }
        step = server->give_account(account);
        if (server_first != nullptr) {
            *server_first = challenge(step).bytes;
        }
        step = server->step(client_final(password, gs2, bare, challenge(step).bytes));
        return std::holds_alternative<SaslChallenge>(step) ? server->step("") : step;
    }
};

TEST(Mechanism, NamesAreReadWithoutCase) {
    EXPECT_EQ(parse_mechanism("plain"), Mechanism::Plain);
    EXPECT_EQ(parse_mechanism("Scram-SHA-256"), Mechanism::ScramSha256);
    EXPECT_EQ(parse_mechanism("SCRAM-SHA-256-PLUS"), Mechanism::ScramSha256Plus);
    EXPECT_FALSE(parse_mechanism("SCRAM-SHA-1"));
    EXPECT_FALSE(sends_password(Mechanism::ScramSha256Plus));
    EXPECT_FALSE(parse_mechanism(""));
    EXPECT_EQ(name(Mechanism::Login), "LOGIN");
    EXPECT_TRUE(sends_password(Mechanism::Login));
    EXPECT_FALSE(sends_password(Mechanism::ScramSha256));
}

TEST(Scram, VectorOfRfc7677) {
    const SaslSettings shared = settings();
    const auto server = SaslServer::make(Mechanism::ScramSha256, shared, kNonce);
    EXPECT_EQ(challenge(server->start(std::nullopt)).bytes, "");
    const SaslStep need = server->step("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    EXPECT_EQ(std::get<SaslNeedAccount>(need).login, "user");
    EXPECT_EQ(
        challenge(server->give_account(rfc_account())).bytes,
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    const SaslStep last = server->step(
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    EXPECT_EQ(challenge(last).bytes, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    EXPECT_EQ(std::get<SaslSuccess>(server->step("")).login, "user");
}

TEST(Scram, BindingFlagsAndIdentity) {
    for (const char* gs2 : {"n,,", "y,,", "n,a=user,", "y,a=USER,"}) {
        ScramRun run;
        run.gs2 = gs2;
        EXPECT_TRUE(std::holds_alternative<SaslSuccess>(run.run())) << gs2;
    }
    for (const char* gs2 :
         {"p=tls-exporter,,", "p=,,", "n,a=other,", "n,user,", "n,a=,", "x,,", ",,", "N,,"}) {
        ScramRun run;
        run.gs2 = gs2;
        EXPECT_EQ(failure(run.run()).why, SaslRefusal::Malformed) << gs2;
    }
}

TEST(Scram, WrongPasswordUnknownUserDisabled) {
    ScramRun wrong;
    wrong.password = "pencils";
    EXPECT_EQ(failure(wrong.run()).why, SaslRefusal::WrongPassword);
    ScramRun unknown;
    unknown.account.reset();
    EXPECT_EQ(failure(unknown.run()).why, SaslRefusal::UnknownUser);
    ScramRun disabled;
    disabled.account->enabled = false;
    disabled.account->disabled_reason = "unpaid";
    EXPECT_EQ(failure(disabled.run()).why, SaslRefusal::Disabled);
    EXPECT_NE(failure(disabled.run()).detail.find("unpaid"), std::string::npos);
    disabled.password = "guess-guess";
    EXPECT_EQ(failure(disabled.run()).why, SaslRefusal::WrongPassword);
    ScramRun keyless;
    keyless.account->credential.scram = {};
    EXPECT_EQ(failure(keyless.run()).why, SaslRefusal::NoKeys);
}

TEST(Scram, AnUnknownLoginLooksLikeAKnownOne) {
    std::string first;
    std::string second;
    std::string other;
    ScramRun run;
    run.account.reset();
    (void)run.run(&first);
    run.login = "USER";
    (void)run.run(&second);
    run.login = "user2";
    (void)run.run(&other);
    EXPECT_EQ(first, second) << "the salt of a login doesn't change, nor with its case";
    EXPECT_NE(split(first, ',').at(1), split(other, ',').at(1));
    const auto salt = unbase64(split(first, ',').at(1).substr(2));
    ASSERT_TRUE(salt);
    EXPECT_EQ(salt->size(), make_credential("long enough", kTestHash)->scram.salt.size());
    EXPECT_EQ(split(first, ',').at(2), "i=4096");
}

TEST(Scram, FirstMessagesThatAreRefused) {
    const SaslSettings shared = settings();
    for (const std::string& bad : std::vector<std::string>{
             "",
             "n",
             "n,",
             "n,,",
             "n,,n=user",
             "n,,n=user,",
             "n,,n=user,r=",
             "n,,n=user,r=a b",
             "n,,n=,r=abc",
             "n,,n=us=2Dr,r=abc",
             "n,,n=us=2cr,r=abc",
             "n,,n=user=,r=abc",
             "n,,m=ext,n=user,r=abc",
             "n,,r=abc,n=user",
             "n,,n=user,r=abc,",
             "n,,n=user,r=abc,x",
             "n,,n=user,r=abc,x=",
             "n,,n=us\0er,r=abc"s,
             "n,,n=\xff\xfe,r=abc",
             "n,,n=us\ner,r=abc",
             "n,,n=user,r=" + std::string(300, 'a'),
             std::string(kSaslMessageMax + 1, 'n'),
         }) {
        const auto server = SaslServer::make(Mechanism::ScramSha256, shared, kNonce);
        EXPECT_EQ(failure(server->start(bad)).why, SaslRefusal::Malformed) << printable(bad);
    }
}

TEST(Scram, NamesAreDecodedAndExtensionsIgnored) {
    const SaslSettings shared = settings();
    const auto server = SaslServer::make(Mechanism::ScramSha256, shared, kNonce);
    const SaslStep step = server->start("n,,n=A=2Cb=3Dc,r=abc,x=ignored,y=too");
    EXPECT_EQ(std::get<SaslNeedAccount>(step).login, "a,b=c");
}

TEST(Scram, FinalMessagesThatAreRefused) {
    const SaslSettings shared = settings();
    const std::string bare = "n=user,r=" + kClientNonce;
    const std::string nonce = kClientNonce + kNonce;
    const std::string good = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    for (const std::string& bad : std::vector<std::string>{
             "",
             "c=biws",
             "c=biws,r=" + nonce,
             "c=eSws,r=" + nonce + ",p=" + good,          // "y,,": the flag was changed
             "c=bixhPXVzZXIs,r=" + nonce + ",p=" + good,  // an identity was added
             "c=,r=" + nonce + ",p=" + good,
             "c=biws=,r=" + nonce + ",p=" + good,
             "c=biws,r=" + kClientNonce + ",p=" + good,
             "c=biws,r=" + nonce + "x,p=" + good,
             "c=biws,r=" + nonce + ",p=" + good + ",x=y",
             "c=biws,r=" + nonce + ",p=!!!!",
             "r=" + nonce + ",c=biws,p=" + good,
         }) {
        const auto server = SaslServer::make(Mechanism::ScramSha256, shared, kNonce);
        (void)server->start("n,," + bare);
        (void)server->give_account(rfc_account());
        EXPECT_EQ(failure(server->step(bad)).why, SaslRefusal::Malformed) << bad;
    }
    // Well-formed, but no proof: an empty one, a short one, one of another exchange.
    for (const std::string& bad : std::vector<std::string>{
             "c=biws,r=" + nonce + ",p=",
             "c=biws,r=" + nonce + ",p=dHzb",
             "c=biws,r=" + nonce + ",x=y,p=" + good,
         }) {
        const auto server = SaslServer::make(Mechanism::ScramSha256, shared, kNonce);
        (void)server->start("n,," + bare);
        (void)server->give_account(rfc_account());
        EXPECT_EQ(failure(server->step(bad)).why, SaslRefusal::WrongPassword) << bad;
    }
}

TEST(Scram, TheLastResponseMustBeEmpty) {
    const SaslSettings shared = settings();
    const auto server = SaslServer::make(Mechanism::ScramSha256, shared, kNonce);
    const std::string bare = "n=user,r=" + kClientNonce;
    (void)server->start("n,," + bare);
    const std::string first = challenge(server->give_account(rfc_account())).bytes;
    const SaslStep last = server->step(client_final("pencil", "n,,", bare, first));
    ASSERT_TRUE(std::holds_alternative<SaslChallenge>(last));
    EXPECT_EQ(failure(server->step("x")).why, SaslRefusal::Malformed);
}

// What the server says to a client that binds (or not) to `seen`, which is `ours` for an honest
// one.
SaslStep bound(Mechanism mechanism, const std::string& gs2, const std::string& seen) {
    static const SaslSettings kSettings = settings();
    const auto server = SaslServer::make(
        mechanism,
        kSettings,
        kNonce,
        {{"tls-exporter", std::string("ours\0x", 6)}, {"tls-server-end-point", "end"}}
    );
    const std::string bare = "n=user,r=" + kClientNonce;
    SaslStep step = server->start(gs2 + bare);
    if (!std::holds_alternative<SaslNeedAccount>(step)) {
        return step;
    }
    step = server->give_account(rfc_account());
    step = server->step(client_final("pencil", gs2 + seen, bare, challenge(step).bytes));
    return std::holds_alternative<SaslChallenge>(step) ? server->step("") : step;
}

TEST(ScramPlus, TheChannelMustBeTheSameAtBothEnds) {
    const std::string ours("ours\0x", 6);
    const auto plus = Mechanism::ScramSha256Plus;
    EXPECT_TRUE(std::holds_alternative<SaslSuccess>(bound(plus, "p=tls-exporter,,", ours)));
    EXPECT_TRUE(std::holds_alternative<SaslSuccess>(bound(plus, "p=tls-server-end-point,,", "end"))
    );
    EXPECT_EQ(failure(bound(plus, "p=tls-exporter,,", "theirs")).why, SaslRefusal::Malformed);
    EXPECT_EQ(failure(bound(plus, "p=tls-exporter,,", "")).why, SaslRefusal::Malformed);
    EXPECT_EQ(failure(bound(plus, "p=tls-exporter,,", "end")).why, SaslRefusal::Malformed);
    EXPECT_EQ(failure(bound(plus, "p=tls-unique,,", ours)).why, SaslRefusal::Malformed);
    EXPECT_EQ(failure(bound(plus, "n,,", "")).why, SaslRefusal::Malformed);
    EXPECT_EQ(failure(bound(plus, "y,,", "")).why, SaslRefusal::Malformed);
}

TEST(ScramPlus, WithoutItNothingIsBoundAndNobodyMayHaveHiddenIt) {
    const auto bare = Mechanism::ScramSha256;
    EXPECT_TRUE(std::holds_alternative<SaslSuccess>(bound(bare, "n,,", "")));
    EXPECT_EQ(failure(bound(bare, "p=tls-exporter,,", "ours")).why, SaslRefusal::Malformed);
    const SaslFailure hidden = failure(bound(bare, "y,,", ""));
    EXPECT_EQ(hidden.why, SaslRefusal::Malformed);
    EXPECT_NE(hidden.detail.find("changed on its way"), std::string::npos);
}

// Runs PLAIN or LOGIN to its end as a shell does.
SaslStep finish(SaslServer& server, SaslStep step, const std::optional<Account>& account) {
    if (std::holds_alternative<SaslNeedAccount>(step)) {
        step = server.give_account(account);
    }
    if (const auto* need = std::get_if<SaslNeedVerify>(&step)) {
        step = server.give_verified(verify_password(need->hash, need->password));
    }
    return step;
}

SaslStep plain(const std::string& message, const std::optional<Account>& account = rfc_account()) {
    static const SaslSettings kSettings = settings();
    const auto server = SaslServer::make(Mechanism::Plain, kSettings, "");
    return finish(*server, server->start(message), account);
}

TEST(Plain, RightAndWrong) {
    EXPECT_EQ(std::get<SaslSuccess>(plain("\0user\0pencil"s)).login, "user");
    EXPECT_EQ(std::get<SaslSuccess>(plain("\0USER\0pencil"s)).login, "user");
    EXPECT_EQ(std::get<SaslSuccess>(plain("User\0user\0pencil"s)).login, "user");
    EXPECT_EQ(failure(plain("\0user\0Pencil"s)).why, SaslRefusal::WrongPassword);
    EXPECT_EQ(failure(plain("\0user\0pencil"s, std::nullopt)).why, SaslRefusal::UnknownUser);
    EXPECT_EQ(failure(plain("other\0user\0pencil"s)).why, SaslRefusal::Malformed);
    Account disabled = rfc_account();
    disabled.enabled = false;
    EXPECT_EQ(failure(plain("\0user\0pencil"s, disabled)).why, SaslRefusal::Disabled);
    EXPECT_EQ(failure(plain("\0user\0pencilx"s, disabled)).why, SaslRefusal::WrongPassword);
    Account hashless = rfc_account();
    hashless.credential.hash.clear();
    EXPECT_EQ(failure(plain("\0user\0pencil"s, hashless)).why, SaslRefusal::WrongPassword);
}

TEST(Plain, AnUnknownLoginIsHashedLikeAKnownOne) {
    const SaslSettings shared = settings();
    const auto server = SaslServer::make(Mechanism::Plain, shared, "");
    (void)server->start("\0nobody\0pencil"s);
    const SaslStep step = server->give_account(std::nullopt);
    const auto& need = std::get<SaslNeedVerify>(step);
    EXPECT_EQ(need.hash, shared.dummy_argon2id);
    EXPECT_EQ(need.password, "pencil");
    // Even if the verdict were "right", nobody is let in.
    EXPECT_EQ(failure(server->give_verified(true)).why, SaslRefusal::UnknownUser);
}

TEST(Plain, MessagesThatAreRefused) {
    for (const std::string& bad : std::vector<std::string>{
             "",
             "user",
             "\0user"s,
             "\0\0pencil"s,
             "\0user\0"s,
             "\0user\0pen\0cil"s,
             "\0user\0pen\ncil"s,
             "\0us\x7f"
             "er\0pencil"s,
             "\0user\0\xc3\x28"s,
             "\0user\0"s + std::string(kSaslPasswordMax + 1, 'p'),
             "\0"s + std::string(kSaslLoginMax + 1, 'u') + "\0pencil"s,
             std::string(kSaslMessageMax + 1, '\0'),
         }) {
        EXPECT_EQ(failure(plain(bad)).why, SaslRefusal::Malformed) << printable(bad);
    }
}

TEST(Plain, AnEmptyChallengeWhenThereIsNoInitialResponse) {
    const SaslSettings shared = settings();
    const auto server = SaslServer::make(Mechanism::Plain, shared, "");
    EXPECT_EQ(challenge(server->start(std::nullopt)).bytes, "");
    EXPECT_TRUE(std::holds_alternative<SaslSuccess>(
        finish(*server, server->step("\0user\0pencil"s), rfc_account())
    ));
}

TEST(Login, WithAndWithoutInitialResponse) {
    const SaslSettings shared = settings();
    const auto asked = SaslServer::make(Mechanism::Login, shared, "");
    EXPECT_EQ(challenge(asked->start(std::nullopt)).bytes, "Username:");
    EXPECT_EQ(challenge(asked->step("user")).bytes, "Password:");
    EXPECT_TRUE(
        std::holds_alternative<SaslSuccess>(finish(*asked, asked->step("pencil"), rfc_account()))
    );
    const auto told = SaslServer::make(Mechanism::Login, shared, "");
    EXPECT_EQ(challenge(told->start("user")).bytes, "Password:");
    EXPECT_EQ(
        failure(finish(*told, told->step("wrong"), rfc_account())).why, SaslRefusal::WrongPassword
    );
    const auto empty = SaslServer::make(Mechanism::Login, shared, "");
    EXPECT_EQ(failure(empty->start("")).why, SaslRefusal::Malformed);
    const auto no_password = SaslServer::make(Mechanism::Login, shared, "");
    (void)no_password->start("user");
    EXPECT_EQ(failure(no_password->step("")).why, SaslRefusal::Malformed);
}

// The account of RFC 7677 §3 with a second password, for a phone.
Account with_app_password(const std::string& password) {
    Account account = rfc_account();
    AppPassword phone;
    phone.name = "phone";
    phone.selector = selector_of(password);
    phone.credential = *make_credential(
        password,
        kTestHash,
        ScramSetting{account.credential.scram.salt, account.credential.scram.iterations}
    );
    account.app_passwords.push_back(phone);
    return account;
}

TEST(AppPasswordLogin, ByPlainEachIsKnownByItsSelector) {
    const std::string password = generate_app_password();
    Account account = with_app_password(password);
    EXPECT_EQ(std::get<SaslSuccess>(plain("\0user\0"s + password, account)).app_password, "phone");
    EXPECT_EQ(std::get<SaslSuccess>(plain("\0user\0pencil"s, account)).app_password, "");
    std::string wrong = password;
    wrong.back() = wrong.back() == 'a' ? 'b' : 'a';
    EXPECT_EQ(failure(plain("\0user\0"s + wrong, account)).why, SaslRefusal::WrongPassword);
    account.app_passwords[0].unusable = "has expired";
    EXPECT_EQ(failure(plain("\0user\0"s + wrong, account)).why, SaslRefusal::WrongPassword);
    const SaslFailure refused = failure(plain("\0user\0"s + password, account));
    EXPECT_EQ(refused.why, SaslRefusal::AppPassword);
    EXPECT_EQ(refused.detail, "the app password \"phone\" has expired");
    EXPECT_TRUE(std::holds_alternative<SaslSuccess>(plain("\0user\0pencil"s, account)));
}

SaslStep scram(const std::string& password, const std::optional<Account>& account) {
    ScramRun run;
    run.password = password;
    run.account = account;
    return run.run();
}

TEST(AppPasswordLogin, ByScramTheProofSaysWhich) {
    const std::string password = generate_app_password();
    Account account = with_app_password(password);
    EXPECT_EQ(std::get<SaslSuccess>(scram(password, account)).app_password, "phone");
    EXPECT_EQ(std::get<SaslSuccess>(scram("pencil", account)).app_password, "");
    EXPECT_EQ(failure(scram("pencils", account)).why, SaslRefusal::WrongPassword);
    account.app_passwords[0].unusable = "is not for 192.0.2.1";
    EXPECT_EQ(failure(scram(password, account)).why, SaslRefusal::AppPassword);
    account.app_passwords[0].unusable.clear();
    account.enabled = false;
    EXPECT_EQ(failure(scram(password, account)).why, SaslRefusal::Disabled);
    EXPECT_EQ(failure(scram("pencils", account)).why, SaslRefusal::WrongPassword);
}

TEST(ImportedHash, PlainOpensItAndScramFailsLikeAnUnknownUser) {
    Account account = rfc_account();
    account.credential = {.hash = "{SSHA}XypeYxBs1GmqQ1pYKAO0+NyfsYZMoPZs", .scram = {}};
    EXPECT_TRUE(std::holds_alternative<SaslSuccess>(plain("\0user\0correct horse"s, account)));
    EXPECT_EQ(failure(plain("\0user\0pencil"s, account)).why, SaslRefusal::WrongPassword);
    EXPECT_EQ(failure(scram("correct horse", account)).why, SaslRefusal::NoKeys);
    EXPECT_EQ(failure(scram("correct horse", std::nullopt)).why, SaslRefusal::UnknownUser);
    // An app password works by SCRAM all the same.
    const std::string password = generate_app_password();
    account.app_passwords = with_app_password(password).app_passwords;
    EXPECT_EQ(std::get<SaslSuccess>(scram(password, account)).app_password, "phone");
    EXPECT_EQ(failure(scram("correct horse", account)).why, SaslRefusal::WrongPassword);
}

TEST(SaslDeath, CallsOutOfOrderAreABug) {
    const SaslSettings shared = settings();
    EXPECT_DEATH(
        (void)SaslServer::make(Mechanism::Plain, shared, "")->step("x"), "awaits_ == Awaits"
    );
    EXPECT_DEATH((void)SaslServer::make(Mechanism::ScramSha256, shared, "short"), "nonce_");
}

}  // namespace
}  // namespace sekisho::account
