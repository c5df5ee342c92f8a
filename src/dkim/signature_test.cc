#include "dkim/signature.h"

#include "base/bytes.h"
#include "dkim/test_data.h"
#include "message/header.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sekisho::dkim {
namespace {

constexpr std::string_view kBh = "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;";

// The reason, or "" when it is read.
std::string refusal(const std::string& tags) {
    const std::string text = "DKIM-Signature: " + tags + "\r\n\r\n";
    const auto header = message::Header::scan(text);
    const auto got = parse_signature(header.fields().front());
    return got ? "" : got.error().message;
}
std::string with(const std::string& more) {
    return "v=1; a=rsa-sha256; d=Example.com; s=Sel; h=From; b=AAAA; " + std::string(kBh) + more;
}

TEST(Signature, ReadsTheOneOfTheRfc) {
    const auto header = message::Header::scan(test::kRfc6376);
    const auto got = parse_signature(header.fields().front());
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->algorithm, Algorithm::RsaSha256);
    EXPECT_EQ(got->header_how, Canonicalization::Simple);
    EXPECT_EQ(got->body_how, Canonicalization::Simple);
    EXPECT_EQ(got->domain, "example.com");
    EXPECT_EQ(got->identity, "joe@football.example.com");
    EXPECT_EQ(got->key_name(), "brisbane._domainkey.example.com");
    EXPECT_EQ(got->headers.size(), 6U);
    EXPECT_EQ(got->headers.back(), "Message-ID");
    EXPECT_EQ(got->signature.size(), 128U);
    EXPECT_FALSE(got->body_limit || got->signed_at || got->expires);
}

TEST(Signature, DefaultsAndOptionalTags) {
    const std::string text =
        "DKIM-Signature: " + with(" c=relaxed; l=12; t=100; x=200; z=From:a|b; unknown=1") +
        "\r\n\r\n";
    const auto header = message::Header::scan(text);
    const auto got = parse_signature(header.fields().front());
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->header_how, Canonicalization::Relaxed);
    EXPECT_EQ(got->body_how, Canonicalization::Simple) << "RFC 6376 §3.5: simple when left out";
    EXPECT_EQ(got->body_limit, 12U);
    EXPECT_EQ(to_ms(*got->expires), 200'000);
    EXPECT_EQ(got->identity, "@example.com");
    EXPECT_EQ(got->selector, "sel");
}

TEST(Signature, SaysWhatIsWrong) {
    EXPECT_EQ(refusal(with("")), "");
    EXPECT_EQ(refusal("no tags"), "the field is no tag list");
    EXPECT_EQ(refusal("v=2; a=rsa-sha256"), "no v=1");
    EXPECT_EQ(refusal("v=1; a=rsa-sha256; b=AAAA"), "no bh= tag");
    EXPECT_EQ(
        refusal("v=1; a=rsa-sha1; d=a.b; s=c; h=From; b=AAAA; " + std::string(kBh)),
        "rsa-sha1 is no longer accepted"
    );
    EXPECT_EQ(
        refusal("v=1; a=rsa-sha256; d=a.b; s=c; h=To; b=AAAA; " + std::string(kBh)),
        "From is not signed"
    );
    EXPECT_EQ(
        refusal("v=1; a=rsa-sha256; d=a..b; s=c; h=From; b=AAAA; " + std::string(kBh)),
        "d= or s= is no domain name"
    );
    EXPECT_EQ(refusal(with(" i=a@other.example")), "i= is not within d=");
    EXPECT_EQ(refusal(with(" i=a@badexample.com")), "i= is not within d=");
    EXPECT_EQ(refusal(with(" i=a@sub.example.com")), "");
    EXPECT_EQ(refusal(with(" c=nofws")), "unknown canonicalization \"nofws\"");
    EXPECT_EQ(refusal(with(" l=-1")), "l= is malformed");
    EXPECT_EQ(refusal(with(" t=5; x=5")), "x= is malformed or not after t=");
    EXPECT_EQ(refusal(with(" t=1234567890123")), "t= is malformed");
    EXPECT_EQ(refusal(with(" q=http")), "no known query method in q=");
    EXPECT_EQ(
        refusal("v=1; a=rsa-sha256; d=a.b; s=c; h=From; b=AAA; " + std::string(kBh)),
        "b= or bh= is malformed"
    );
}

TEST(Signature, WhatIsSignedIsSelectedFromTheBottom) {
    const std::string text =
        "Subject: second\r\nSubject: first\r\nFrom: a@b\r\n"
        "DKIM-Signature: v=1; b= xx yy ; h=Subject\r\n\r\n";
    const auto header = message::Header::scan(text);
    const std::string got = signed_octets(
        header,
        {"subject", "Subject", "SUBJECT", "From", "From"},
        header.fields().back(),
        Canonicalization::Relaxed
    );
    EXPECT_EQ(
        got, "subject:first\r\nsubject:second\r\nfrom:a@b\r\ndkim-signature:v=1; b=; h=Subject"
    );
}

TEST(Signature, DomainsAndWhatIsWithinThem) {
    EXPECT_TRUE(is_domain("a_b.example"));
    EXPECT_FALSE(is_domain(""));
    EXPECT_FALSE(is_domain("a b.example"));
    EXPECT_FALSE(is_domain(std::string(64, 'a') + ".example"));
    EXPECT_TRUE(is_within("a.example", "example"));
    EXPECT_TRUE(is_within("example", "example"));
    EXPECT_FALSE(is_within("badexample", "example"));
}

TEST(Signature, AClaimIsReadEvenFromAWrongField) {
    const std::string text = "DKIM-Signature: v=9; a=rsa-sha1; d=EXAMPLE.com; s=x\r\n\r\n";
    const auto header = message::Header::scan(text);
    const Claim claim = claim_of(header.fields().front());
    EXPECT_EQ(claim.domain, "example.com");
    EXPECT_EQ(claim.algorithm, "rsa-sha1");
}

}  // namespace
}  // namespace sekisho::dkim
