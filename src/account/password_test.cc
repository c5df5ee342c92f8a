#include "account/password.h"

#include "account/saslprep.h"
#include "base/bytes.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string>

namespace sekisho::account {
namespace {

TEST(Password, MadeAndVerified) {
    const auto made = make_credential("correct horse", kTestHash);
    ASSERT_TRUE(made);
    EXPECT_TRUE(made->hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    EXPECT_TRUE(verify_password(made->hash, "correct horse"));
    EXPECT_FALSE(verify_password(made->hash, "correct horsf"));
    EXPECT_FALSE(verify_password(made->hash, ""));
    EXPECT_EQ(made->scram.iterations, 4096U);
    const ScramKeys again = derive_scram_keys("correct horse", made->scram.salt, 4096);
    EXPECT_EQ(again.stored_key, made->scram.stored_key);
    EXPECT_EQ(again.server_key, made->scram.server_key);
    EXPECT_NE(make_credential("correct horse", kTestHash)->scram.salt, made->scram.salt);
}

TEST(Password, WhatIsNoHashOpensNothing) {
    EXPECT_FALSE(verify_password("", ""));
    EXPECT_FALSE(verify_password("plain", "plain"));
    EXPECT_FALSE(verify_password("$argon2id$v=19$m=8,t=1,p=1$", "x"));
    EXPECT_FALSE(verify_password(std::string(500, '$'), "x"));
    EXPECT_FALSE(verify_password(*make_dummy_hash(kTestHash), ""));
}

TEST(Password, WhatIsRefused) {
    EXPECT_FALSE(make_credential("", kTestHash));
    EXPECT_FALSE(make_credential("short", kTestHash));
    EXPECT_FALSE(make_credential("tab\there it is", kTestHash));
    EXPECT_FALSE(make_credential("\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc", kTestHash));
    EXPECT_FALSE(make_credential(std::string(2000, 'x'), kTestHash));
    HashOptions weak = kTestHash;
    weak.scram_iterations = 1000;
    EXPECT_FALSE(make_credential("long enough", weak));
    const auto said = make_credential("secret\x01secret", kTestHash);
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().message.find("secret"), std::string::npos);
}

TEST(Password, OutdatedWhenTheOptionsChange) {
    const Credential made = *renew_credential("x", kTestHash);
    EXPECT_FALSE(is_outdated(made, kTestHash));
    HashOptions more = kTestHash;
    more.passes = 2;
    EXPECT_TRUE(is_outdated(made, more));
    EXPECT_TRUE(is_outdated({}, kTestHash));
    EXPECT_TRUE(is_outdated({.hash = made.hash, .scram = {}}, kTestHash)) << "no SCRAM keys";
    EXPECT_TRUE(is_outdated({.hash = "{SSHA}x", .scram = made.scram}, kTestHash));
}

TEST(Password, GeneratedOnesDiffer) {
    std::set<std::string> seen;
    for (int i = 0; i < 200; ++i) {
        const std::string one = generate_password();
        EXPECT_EQ(one.size(), 19U);
        EXPECT_EQ(std::ranges::count(one, '-'), 3);
        EXPECT_EQ(one.find_first_of("0o1l"), std::string::npos);
        EXPECT_TRUE(seen.insert(one).second);
        EXPECT_TRUE(saslprep(one));
    }
}

TEST(Saslprep, ExamplesOfRfc4013ThatNeedNoNormalisation) {
    EXPECT_EQ(saslprep("I\xc2\xadX").value(), "IX");  // SOFT HYPHEN mapped to nothing
    EXPECT_EQ(saslprep("user").value(), "user");
    EXPECT_EQ(saslprep("USER").value(), "USER");
    EXPECT_FALSE(saslprep("\x07"));
}

TEST(Saslprep, SpacesAndProhibitions) {
    EXPECT_EQ(
        saslprep("a\xe3\x80\x80"
                 "b")
            .value(),
        "a b"
    );  // ideographic space
    EXPECT_EQ(saslprep("\xe5\xaf\x86\xe7\xa2\xbc").value(), "\xe5\xaf\x86\xe7\xa2\xbc");
    EXPECT_EQ(saslprep("\xf0\x9f\x94\x91").value(), "\xf0\x9f\x94\x91");
    EXPECT_EQ(
        saslprep("\xef\xbb\xbf"
                 "a")
            .value(),
        "a"
    );                                           // BOM
    EXPECT_FALSE(saslprep("\xc2\x85"));          // C1 control
    EXPECT_FALSE(saslprep("\xee\x80\x80"));      // private use
    EXPECT_FALSE(saslprep("\xef\xbf\xbf"));      // U+FFFF
    EXPECT_FALSE(saslprep("\xe2\x80\xae"));      // right-to-left override
    EXPECT_FALSE(saslprep("\xf3\xa0\x81\x81"));  // tag
    EXPECT_FALSE(saslprep("\xed\xa0\x80"));      // surrogate
    EXPECT_FALSE(saslprep(std::string_view{"\0", 1}));
}

}  // namespace
}  // namespace sekisho::account
