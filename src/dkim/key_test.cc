#include "dkim/key.h"

#include "base/bytes.h"
#include "dkim/test_data.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sekisho::dkim {
namespace {

// 512 bits (made with OpenSSL for this test).
constexpr std::string_view kShort =
    "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKgLWgrqyEfkhYCgr/xGpbm5ByePPv6jxkmOAF"
    "5ZgypEXZAl8SdOzzqVKxQVivCumKuLPBX9yO3vy18tPbu5n0sCAwEAAQ==";

TEST(KeyRecord, ReadsItsTags) {
    const auto record =
        parse_key_record("v=DKIM1; k=ed25519; h=sha1:sha256; t=y : s; n=a note; p=AA==");
    ASSERT_TRUE(record);
    EXPECT_EQ(record->type, "ed25519");
    EXPECT_EQ(record->hashes.size(), 2U);
    EXPECT_TRUE(record->testing);
    EXPECT_TRUE(record->strict);
    EXPECT_TRUE(record->for_mail);
    EXPECT_EQ(record->key, std::string(1, '\0'));
}

TEST(KeyRecord, DefaultsAndOddities) {
    const auto bare = parse_key_record("p=AA==");
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->type, "rsa");
    EXPECT_FALSE(bare->testing || bare->strict);
    EXPECT_FALSE(parse_key_record("s=web; p=AA==")->for_mail);
    EXPECT_TRUE(parse_key_record("s=web:email; p=AA==")->for_mail);
    EXPECT_EQ(parse_key_record("v=DKIM1; p=")->key, "");
    EXPECT_FALSE(parse_key_record("v=DKIM2; p=AA=="));
    EXPECT_FALSE(parse_key_record("p=AA==; v=DKIM1")) << "v= must be the first";
    EXPECT_FALSE(parse_key_record("v=DKIM1"));
    EXPECT_FALSE(parse_key_record("p=$$$"));
    EXPECT_FALSE(parse_key_record("v=spf1 -all"));
}

TEST(PrivateKey, SignsWhatItsRecordChecks) {
    for (const auto algorithm : {Algorithm::RsaSha256, Algorithm::Ed25519Sha256}) {
        const auto key = PrivateKey::make(algorithm);
        ASSERT_TRUE(key);
        const auto record = parse_key_record(key->record());
        ASSERT_TRUE(record) << key->record();
        EXPECT_EQ(record->type, key_type(algorithm));
        const auto signature = key->sign("some octets");
        ASSERT_TRUE(signature);
        EXPECT_TRUE(*check_signature(algorithm, *record, "some octets", *signature));
        EXPECT_FALSE(*check_signature(algorithm, *record, "some octetz", *signature));
        EXPECT_FALSE(*check_signature(algorithm, *record, "some octets", "short"));
        const auto again = PrivateKey::parse(key->pem());
        ASSERT_TRUE(again);
        EXPECT_EQ(again->record(), key->record());
        EXPECT_EQ(again->algorithm(), algorithm);
    }
}

TEST(PrivateKey, ReadsTheKeyOfTheRfc) {
    const auto key = PrivateKey::parse(test::kEd25519Pem);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->record(), test::kEd25519Record);
}

TEST(PrivateKey, RefusesWhatIsNoKeyForDkim) {
    EXPECT_FALSE(PrivateKey::parse(""));
    EXPECT_FALSE(PrivateKey::parse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    );
    // secp256r1 (made with OpenSSL for this test)
    EXPECT_FALSE(PrivateKey::parse(
        "-----BEGIN PRIVATE "
        "KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgueM2AhOeoXtkZ3y2\n"
        "aklpaqlVTmhYzM615IlwOVwUWt2hRANCAAT4FH07pC4K+aL4BvnJsbygFTPC7pKa\n"
        "AvhJwCH5H6G4285QAAwUQa85qMiWXXu+d/WtOw2aoLklRmpBUtlf0LyV\n-----END PRIVATE KEY-----\n"
    ));
}

TEST(Keys, OfAnotherTypeSizeOrHashCanNotBeUsed) {
    const auto ed = parse_key_record(test::kEd25519Record);
    EXPECT_FALSE(check_signature(Algorithm::RsaSha256, *ed, "x", "y"));
    EXPECT_FALSE(check_signature(Algorithm::RsaSha256, *parse_key_record("p=AAAA"), "x", "y"));
    EXPECT_FALSE(
        check_signature(Algorithm::Ed25519Sha256, *parse_key_record("k=ed25519; p=AAAA"), "x", "y")
    );
    auto sha1_only = *ed;
    sha1_only.hashes = {"sha1"};
    EXPECT_FALSE(check_signature(Algorithm::Ed25519Sha256, sha1_only, "x", "y"));
    const auto small = check_signature(Algorithm::RsaSha256, *parse_key_record(kShort), "x", "y");
    ASSERT_FALSE(small);
    EXPECT_NE(small.error().message.find("512 bits"), std::string::npos) << small.error().message;
}

TEST(Keys, RsaMayBeWrittenWithoutItsWrapping) {
    // The RFC's own key (RFC 8463 appendix A.2) as RSAPublicKey: the last 140 octets.
    auto keys = test::rfc_keys();
    const std::string txt = keys.at("test._domainkey.football.example.com")->front();
    auto record = *parse_key_record(txt);
    record.key = record.key.substr(record.key.size() - 140);
    keys.at("test._domainkey.football.example.com")->front() = "p=" + base64(record.key);
    const auto results = test::verify(test::kRfc8463, keys);
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[1].status, Outcome::Pass) << results[1].reason;
}

}  // namespace
}  // namespace sekisho::dkim
