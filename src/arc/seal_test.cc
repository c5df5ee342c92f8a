#include "arc/seal.h"

#include "arc/verify.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "dkim/verify.h"
#include "message/header.h"

#include <chrono>
#include <cstddef>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::arc {
namespace {

const Time kNow{std::chrono::seconds{1'800'000'000}};
constexpr std::string_view kMessage =
    "Delivered-To: taro@example.net\r\nReceived: from a by b; date\r\nDKIM-Signature: v=1; x\r\n"
    "From: a@example.org\r\nTo: taro@example.net\r\nSubject: to be  sealed\r\n\r\nHello\r\n\r\n";

const dkim::PrivateKey& key() {
    static const auto kKey = dkim::PrivateKey::make(dkim::Algorithm::RsaSha256);
    return *kKey;
}

std::map<std::string, dkim::KeyAnswer> keys() {
    return {{"s1._domainkey.example.net", std::vector<std::string>{key().record()}}};
}

Verdict verify(std::string_view text) {
    const auto header = message::Header::scan(text);
    Verifier verifier(header, kNow);
    verifier.body(text.substr(header.body_offset()));
    return verifier.finish(keys());
}

std::string sealed(const std::string& text, Result chain, const std::string& spf = "pass") {
    SealOptions options;
    options.domain = "example.net";
    options.selector = "s1";
    options.authserv_id = "mail.example.net";
    options.results = {{"spf", spf, {}, {}, {{"smtp.mailfrom", "a@example.org"}}}};
    options.chain = chain;
    options.now = kNow;
    const auto fields = seal(text, message::Header::scan(text), key(), options);
    EXPECT_TRUE(fields) << fields.error().message;
    return *fields + text;
}

TEST(Seal, TheFirstSetFits) {
    const std::string text = sealed(std::string(kMessage), Result::None);
    EXPECT_TRUE(text.starts_with("ARC-Seal: i=1; a=rsa-sha256; t=1800000000; cv=none;")) << text;
    const Verdict verdict = verify(text);
    EXPECT_EQ(verdict.result, Result::Pass) << verdict.reason;
    ASSERT_EQ(verdict.sealers.size(), 1U);
    EXPECT_EQ(verdict.sealers[0].authserv_id, "mail.example.net");
    EXPECT_TRUE(verdict.sealers[0].findings.contains("spf=pass"));
}

TEST(Seal, WhatIsChangedAfterwardsDoesNotFit) {
    std::string text = sealed(std::string(kMessage), Result::None);
    for (const char* part : {"sealed\r\n", "Hello", "spf=pass", "cv=none", "v=1; x"}) {
        std::string other = text;
        other.replace(other.find(part), 3, "xyz");
        EXPECT_EQ(verify(other).result, Result::Fail) << part;
    }
}

TEST(Seal, SetsFollowEachOther) {
    std::string text(kMessage);
    for (std::size_t i = 0; i < 3; ++i) {
        text = sealed(
            "X-Hop: " + std::to_string(i) + "\r\n" + text, i == 0 ? Result::None : Result::Pass
        );
    }
    const Verdict verdict = verify(text);
    EXPECT_EQ(verdict.result, Result::Pass) << verdict.reason;
    EXPECT_EQ(verdict.sealers.size(), 3U);
    EXPECT_TRUE(text.starts_with("ARC-Seal: i=3;"));
    EXPECT_TRUE(text.contains("cv=pass"));
}

TEST(Seal, ABrokenChainIsCalledSoOnce) {
    std::string text = sealed(std::string(kMessage), Result::None);
    text.replace(text.find("Hello"), 5, "Other");
    text = sealed(text, Result::Fail);
    EXPECT_TRUE(text.starts_with("ARC-Seal: i=2; a=rsa-sha256; t=1800000000; cv=fail;")) << text;
    EXPECT_EQ(verify(text).result, Result::Fail);
    // Who comes after that adds nothing.
    EXPECT_EQ(sealed(text, Result::Fail), text);
}

TEST(Seal, AChainThatIsNotWhole) {
    // A set is missing: it can't be vouched for, whatever is said.
    std::string text =
        "ARC-Seal: i=4; a=rsa-sha256; cv=pass; d=x.org; s=s; b=AAAA\r\n" + std::string(kMessage);
    text = sealed(text, Result::Pass);
    EXPECT_TRUE(text.starts_with("ARC-Seal: i=5;")) << text;
    EXPECT_TRUE(text.contains("cv=fail"));
}

TEST(Seal, FiftySetsAtMost) {
    const std::string text =
        "ARC-Seal: i=50; a=rsa-sha256; cv=pass; d=x.org; s=s; b=AAAA\r\n" + std::string(kMessage);
    EXPECT_EQ(sealed(text, Result::Pass), text);
}

TEST(Seal, WithoutFrom) {
    const std::string text = "To: a@example.org\r\n\r\nHello\r\n";
    EXPECT_FALSE(seal(text, message::Header::scan(text), key(), {}));
}

}  // namespace
}  // namespace sekisho::arc
