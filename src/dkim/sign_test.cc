#include "dkim/sign.h"

#include "base/bytes.h"
#include "dkim/canonical.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "dkim/tags.h"
#include "dkim/test_data.h"
#include "dkim/verify.h"
#include "message/header.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::dkim {
namespace {

using test::kNow;

const PrivateKey& key(Algorithm algorithm) {
    static const PrivateKey rsa = *PrivateKey::make(Algorithm::RsaSha256);
    static const PrivateKey ed = *PrivateKey::make(Algorithm::Ed25519Sha256);
    return algorithm == Algorithm::RsaSha256 ? rsa : ed;
}
test::Keys published() {
    test::Keys keys;
    keys["r._domainkey.example.net"] = std::vector{key(Algorithm::RsaSha256).record()};
    keys["e._domainkey.example.net"] = std::vector{key(Algorithm::Ed25519Sha256).record()};
    return keys;
}
Signer signer() {
    Signer out;
    out.add("example.net", "example.net", {"r", key(Algorithm::RsaSha256)});
    out.add("example.net", "example.net", {"e", key(Algorithm::Ed25519Sha256)});
    out.add("mail.example.net", "example.net", {"r", key(Algorithm::RsaSha256)});
    return out;
}
std::string signed_message(const std::string& message) {
    const auto fields = signer().sign(message, message::Header::scan(message), kNow);
    EXPECT_TRUE(fields);
    return *fields + message;
}

// RFC 8463 appendix A.3: Ed25519 gives the same octets for the same input.
TEST(Sign, TheOctetsOfRfc8463) {
    const auto header = message::Header::scan(test::kRfc8463);
    const auto& field = header.fields().front();
    const auto signature = parse_signature(field);
    ASSERT_TRUE(signature);
    const auto own =
        PrivateKey::parse(test::kEd25519Pem)
            ->sign(signed_octets(header, signature->headers, field, signature->header_how));
    ASSERT_TRUE(own);
    EXPECT_EQ(*own, signature->signature);
}

TEST(Sign, BothSignaturesVerify) {
    const std::string whole = signed_message(
        "From: Taro <taro@EXAMPLE.net>\r\nTo: x@y.example\r\n"
        "Subject: a\r\n\r\nHello  \r\n\r\nworld\r\n\r\n"
    );
    const auto results = test::verify(whole, published());
    ASSERT_EQ(results.size(), 2U);
    for (const Verdict& one : results) {
        EXPECT_EQ(one.status, Outcome::Pass) << one.reason << "\n" << whole;
        EXPECT_EQ(one.domain, "example.net");
    }
}

TEST(Sign, LinesAreFolded) {
    const std::string whole = signed_message("From: taro@example.net\r\nTo: x@y.example\r\n\r\n");
    for (const std::string_view line : split(whole, '\n')) {
        EXPECT_LE(line.size(), 79U) << line;
    }
    EXPECT_TRUE(whole.starts_with("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;"));
    EXPECT_NE(whole.find("t=1700000000;"), std::string::npos);
}

TEST(Sign, NothingCanBeAddedLater) {
    const std::string whole = signed_message("From: taro@example.net\r\n\r\nHello\r\n");
    for (const char* field :
         {"From: evil@example.org",
          "Subject: You won",
          "To: all@example.org",
          "Reply-To: evil@example.org",
          "Date: Fri, 11 Jul 2003 21:00:37 +0000"}) {
        const auto results = test::verify(std::string(field) + "\r\n" + whole, published());
        EXPECT_EQ(results[0].status, Outcome::Fail) << field;
    }
    const auto more = test::verify("Received: from a by b; today\r\n" + whole, published());
    EXPECT_EQ(more[0].status, Outcome::Pass) << "trace fields may be";
    EXPECT_EQ(test::verify(whole + "more\r\n", published())[0].status, Outcome::Fail);
}

TEST(Sign, OnlyOurDomainsAndOnlyOneFrom) {
    const auto signs = [](const std::string& message) {
        return signer().signs(message::Header::scan(message));
    };
    EXPECT_TRUE(signs("From: a@example.net\r\n\r\n"));
    EXPECT_TRUE(signs("From: postmaster@mail.example.net\r\n\r\n"));
    EXPECT_FALSE(signs("From: a@example.org\r\n\r\n"));
    EXPECT_FALSE(signs("From: a@sub.example.net\r\n\r\n"));
    EXPECT_FALSE(signs("From: a@example.net, b@example.net\r\n\r\n"));
    EXPECT_FALSE(signs("From: a@example.net\r\nFrom: a@example.net\r\n\r\n"));
    EXPECT_FALSE(signs("Subject: none\r\n\r\n"));
    const std::string other = "From: a@example.org\r\n\r\n";
    EXPECT_EQ(*signer().sign(other, message::Header::scan(other), kNow), "");
    EXPECT_FALSE(Signer().signs(message::Header::scan("From: a@example.net\r\n\r\n")));
}

TEST(Sign, FieldsThatStandMoreThanOnceAreAllSigned) {
    const auto header =
        message::Header::scan("From: a@b.example\r\nList-Id: x\r\nMessage-ID: <a>\r\n\r\n");
    const auto fields = fields_to_sign(header);
    const auto count = [&](std::string_view name) {
        return std::count(fields.begin(), fields.end(), name);
    };
    EXPECT_EQ(count("From"), 2);
    EXPECT_EQ(count("Subject"), 1);
    EXPECT_EQ(count("List-Id"), 1);
    EXPECT_EQ(count("Message-ID"), 2);
    EXPECT_EQ(count("References"), 0);
}

TEST(Sign, EveryCanonicalizationVerifies) {
    const std::string message =
        "From: a@example.net\r\nSubject:  odd \t subject \r\n\r\n a  b \r\n\r\n";
    const auto header = message::Header::scan(message);
    for (const auto head : {Canonicalization::Simple, Canonicalization::Relaxed}) {
        for (const auto body : {Canonicalization::Simple, Canonicalization::Relaxed}) {
            BodyHash hash(body, std::nullopt);
            hash.add(std::string_view(message).substr(header.body_offset()));
            const auto field = signature_field(
                header,
                hash.finish(),
                key(Algorithm::Ed25519Sha256),
                {.domain = "example.net",
                 .selector = "e",
                 .header_how = head,
                 .body_how = body,
                 .now = kNow}
            );
            ASSERT_TRUE(field);
            const auto results = test::verify(*field + message, published());
            EXPECT_EQ(results.front().status, Outcome::Pass) << *field << results.front().reason;
        }
    }
}

TEST(Sign, AMessageWithoutFromIsRefused) {
    const auto header = message::Header::scan("Subject: a\r\n\r\n");
    BodyHash hash(Canonicalization::Relaxed, std::nullopt);
    EXPECT_FALSE(signature_field(header, hash.finish(), key(Algorithm::Ed25519Sha256), {}));
}

}  // namespace
}  // namespace sekisho::dkim
