#include "dkim/verify.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/key.h"
#include "dkim/test_data.h"
#include "message/header.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::dkim {
namespace {

using test::kNow;
using test::rfc_keys;
using test::verify;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(Verify, BothSignaturesOfRfc8463) {
    const auto results = verify(test::kRfc8463, rfc_keys());
    ASSERT_EQ(results.size(), 2U);
    for (const Verdict& one : results) {
        EXPECT_EQ(one.status, Outcome::Pass) << one.algorithm << ": " << one.reason;
        EXPECT_EQ(one.domain, "football.example.com");
        EXPECT_EQ(one.identity, "@football.example.com");
        EXPECT_EQ(one.reason, "");
        EXPECT_FALSE(one.testing);
    }
    EXPECT_EQ(results[0].algorithm, "ed25519-sha256");
    EXPECT_EQ(results[0].signature, "/gCrinpcQOoI");
    EXPECT_EQ(results[1].selector, "test");
}

TEST(Verify, TheSignatureOfRfc6376) {
    const auto results = verify(test::kRfc6376, rfc_keys());
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].status, Outcome::Pass) << results[0].reason;
}

TEST(Verify, AsksForEachKeyOnce) {
    const std::string twice =
        test::kRfc6376.substr(0, test::kRfc6376.find("\r\nReceived") + 2) + test::kRfc6376;
    const auto header = message::Header::scan(twice);
    const Verifier verifier(header, kNow);
    EXPECT_EQ(verifier.queries(), std::vector<std::string>{"brisbane._domainkey.example.com"});
}

TEST(Verify, WhatWasChangedFails) {
    for (const auto& [from, to, reason] :
         std::vector<std::tuple<const char*, const char*, const char*>>{
             {"hungry yet", "hungry Yet", "the body has changed"},
             {"dinner ready", "dinner over", "the signature does not fit the header"},
             {"t=1528637909", "t=1528637908", "the signature does not fit the header"},
             {"From: Joe", "From: Jim", "the signature does not fit the header"},
             // Oversigned: a second From, Subject or Date above.
             {"From: Joe", "Subject: Other\r\nFrom: Joe", "the signature does not fit the header"},
         }) {
        const auto results = verify(replaced(test::kRfc8463, from, to), rfc_keys());
        ASSERT_EQ(results.size(), 2U);
        EXPECT_EQ(results[0].status, Outcome::Fail) << from;
        EXPECT_EQ(results[0].reason, reason) << from;
    }
}

TEST(Verify, RelaxedSurvivesWhiteSpaceAndSimpleDoesNot) {
    const auto relaxed = verify(
        replaced(
            replaced(test::kRfc8463, "Subject: Is", "SUBJECT:\tIs  "), "game.  Are", "game. Are \t"
        ),
        rfc_keys()
    );
    // "game. Are \t you" is one space more than none.
    EXPECT_EQ(relaxed[0].status, Outcome::Pass) << relaxed[0].reason;
    const auto simple = verify(replaced(test::kRfc6376, "Subject: Is", "Subject:  Is"), rfc_keys());
    EXPECT_EQ(simple[0].status, Outcome::Fail);
}

TEST(Verify, WhatTheDnsSaysDecides) {
    const auto judged = [](KeyAnswer answer) {
        auto keys = rfc_keys();
        keys["brisbane._domainkey.football.example.com"] = std::move(answer);
        return verify(test::kRfc8463, keys).front();
    };
    using Txt = std::vector<std::string>;
    const std::string good(test::kEd25519Record);
    EXPECT_EQ(judged(Txt{}).status, Outcome::PermError);
    EXPECT_EQ(judged(Txt{}).reason, "no key");
    EXPECT_EQ(judged(fail(Errc::Unavailable, "SERVFAIL")).status, Outcome::TempError);
    EXPECT_EQ(judged(fail(Errc::Invalid, "no name")).status, Outcome::PermError);
    EXPECT_EQ(judged(Txt{"v=DKIM1; k=ed25519; p="}).reason, "the key is revoked");
    EXPECT_EQ(judged(Txt{"hello", good}).status, Outcome::Pass);
    EXPECT_EQ(judged(Txt{"hello"}).status, Outcome::PermError);
    EXPECT_EQ(judged(Txt{replaced(good, "k=ed25519", "k=rsa")}).status, Outcome::PermError);
    EXPECT_EQ(judged(Txt{replaced(good, "k=", "s=web; k=")}).reason, "the key isn't for mail");
    const Verdict testing = judged(Txt{replaced(good, "k=", "t=y; k=")});
    EXPECT_EQ(testing.status, Outcome::Pass);
    EXPECT_TRUE(testing.testing);
    EXPECT_EQ(judged(Txt{replaced(good, "k=", "t=s; k=")}).status, Outcome::Pass);
    EXPECT_EQ(verify(test::kRfc8463, {}).front().status, Outcome::TempError);
}

TEST(Verify, StrictKeysAskForTheVeryDomain) {
    auto keys = rfc_keys();
    auto& txt = keys.at("brisbane._domainkey.example.com")->front();
    txt = replaced(txt, "p=", "t=s; p=");
    const auto results = verify(test::kRfc6376, keys);  // i=joe@football.example.com
    EXPECT_EQ(results[0].status, Outcome::PermError);
    EXPECT_EQ(results[0].reason, "the key asks for i= of d= itself");
}

TEST(Verify, TimesAreLookedAt) {
    const auto early =
        verify(test::kRfc8463, rfc_keys(), Time{std::chrono::seconds(1'500'000'000)});
    EXPECT_EQ(early[0].reason, "signed in the future");
    const auto late = verify(replaced(test::kRfc8463, "t=1528637909", "t=15; x=16"), rfc_keys());
    EXPECT_EQ(late[0].status, Outcome::Fail);
    EXPECT_EQ(late[0].reason, "expired");
}

TEST(Verify, NotMoreThanEightSignatures) {
    std::string many;
    for (int i = 0; i < 20; ++i) {
        many += "DKIM-Signature: v=1; nonsense\r\n";
    }
    const auto results = verify(many + test::kRfc8463, rfc_keys());
    ASSERT_EQ(results.size(), 8U);
    EXPECT_EQ(results[0].status, Outcome::PermError);
    EXPECT_TRUE(verify(test::kPlain, rfc_keys()).empty());
}

}  // namespace
}  // namespace sekisho::dkim
