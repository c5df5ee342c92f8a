#include "account/old_hash.h"

#include "account/account.h"
#include "account/password.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {
namespace {

constexpr std::string_view kPassword = "correct horse";

// What each maker made of kPassword: Dovecot 2.3.19 (doveadm pw), passlib 1.7.4, mkpasswd and
// crypt(3) of libxcrypt 4.4.33.
const std::vector<std::string>& made_elsewhere() {
    static const std::vector<std::string> kMade{
        "{SSHA}XypeYxBs1GmqQ1pYKAO0+NyfsYZMoPZs",
        "{SSHA256}rzuplcq4rk16klgsW2AliIiqPSN1DlrAQyLaZxTZ/DkwQ/JR",
        "{SSHA512}qVtW9e4htSmUakWn2hTgVuExg855V7raUIPXecxELV9PMSPLyL6VJA+70q4uWaA/"
        "1KmfRLD6mYpOpXzCHV"
        "DX6gRN8Xk=",
        "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
        "{SHA1}L55TUjtiq8FBorTWAZ0jy6g129A=",
        "{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE=",
        "{sha256}4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631",
        "{SHA512}VraY3v7bWkNbY0r+MyC7rz/c2SC2xQOkRvx7endrKY1HnRumqLYXgI6wv1ec6aldZoNHvKtxSQhayTyyeZ"
        "UZew==",
        "{SHA256.HEX}4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631",
        "{SSHA.HEX}5eb6646c749ebcf043d7d949ceeb9b603d567a2d2c11ccea",
        "{SMD5}doQ6uNvYYaoDHAjtlWNRzwsrxWE=",
        "{PLAIN-MD5}3cb4e732631f47e6eb961f34554b7cde",
        "{LDAP-MD5}PLTnMmMfR+brlh80VUt83g==",
        "{MD5}PLTnMmMfR+brlh80VUt83g==",
        "{MD5-CRYPT}$1$K7TuMaCz$HlH4Ht5Fj4n2vxMn9zyNi.",
        "{MD5}$1$/PU2ct8k$Evo6zPzDxeyiqimHuE8JS0",
        "{SHA256-CRYPT}$5$lgv5VKdncmhopn08$huYddwQz6sLDu4rrwG5oPCI3yGkrx/6kzXo7MfGUpf2",
        "{SHA512-CRYPT}$6$yedC81oLz2L.4mU7$/wbi9QGiok9U6mxFozfh2Vi3LGFO0bj/"
        "FYndAEWLSt5wXsHkZHu29GQD7KHGmg6VCwoQ45pEyuSy0UPvsq2O9/",
        "{BLF-CRYPT}$2y$05$yLM.DFA9IRMv1PjMFjaDGOLzu2v5zHakhT3cE3omkXeAJnDwVCYCO",
        "{CRYPT}$2y$05$tJ/bB7myM9YPQM6C3RCYbetx.deMjRjXk/30SWaHe8VGXeb53HFle",
        "{PBKDF2}$1$t6P4dFB7cMmkpm73$5000$f23fa52466f3848ebe9ca7ed3ea1acfced8f21bd",
        "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$o3xbiUqzglDabEBBYtcaqg$KFDry78Hu35+"
        "iroPaPUOTZSK3RCasXrZ73nXg+5V8+s",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$Xbb3b5YYeuFPYJUkMQHPAg$K6A+"
        "xYSOiQOH62lkjMpwortQ7PeuU2i62XyDVczX/a4",
        "{SCRAM-SHA-256}4096,HFvH+Pwo2B+11lBZ6v0kBQ==,EtY7u3BU/"
        "rcMGovDHYUvcQThDK3Slcun/WByQUl+WaU=,5HU8bc66hOrHm1FNZ46LOFXR3urATq+b+ttEaT/EX48=",
        "{PBKDF2}1000$EILw3pszhjAG4Py/N2ZMKQ$kAASBw6v1WfqjNwrUJTssFKV2ZE",
        "{PBKDF2-SHA256}1000$tta69x7jfG/tvdday1mrtQ$kh6iZov/MKxIt1QxtH05JdWdCE6lnvh.7r0BIW2wNl8",
        "{PBKDF2-SHA512}1000$TInxnvPeWwvBOGcM4dybcw$gQBDjN5OeG8JhsQEWEOdG/"
        "hNrF2iZ.SpotLRC5sWvxevk2AkHupQrHjAvM9qVHtyl27yuSA..TPQeRgrWpO0.g",
        "$pbkdf2-sha256$1000$5JwzhpDSulcKgbAWImRsjQ$6enqbEh3u5Fqmo0nxGIl7vX..Hq9Iy2oCw/BXMT77cM",
        "$pbkdf2$1000$eo.xFoKQEqJ0bs3Zew8h5A$I9XZ14ey/nbWjTWw5ZfFoPtfFTA",
        "$pbkdf2-sha512$1000$1noP4XyPMYZwDiEE4HyvNQ$Sg/"
        "Am6IEhsg5vD570u5KxDIFBiJDqknpIt.ucm85UEqv.2iURxcxZpfk3W5iDoA.0ffwfDH9OvpiaOKuSs0F3Q",
        "$y$j9T$/su2NKRZgMCnPdfJWWP4./$MNew2TSk8rYnxdawiXjG7HzLZTSGuBeWrRzLvIpq7qC",
        "$6$CSLlnMAq7DB/c8Xd$GylYhDbqWnZtjUN8CIbjmwrlPJHYYz2fajhXxanz5HFCgCatnm/"
        "V5cd6HBqU4G7DOO.iCP9tiWpjdCj6BoZfj1",
        "$6$rounds=1000$HWFvyIWwf5qeiG5.$O.mgJ4g8Z/"
        "B5WvOKUOfvG5aykMncWXWNmD3LgLQFKwWmEqqopOO2ssAl7IRGfnzm2RAixoR88f7Z2nKYDvsWo.",
        "$5$lET8itgORGRIzxSN$XLd9lX64oue5WvRR5moF1PLAHVL8jkqLkYshYId54i1",
        "$1$2QUA4Mt5$WoGekqBbU.rTc3q345sX5.",
        "$2b$05$PejYVUGHN41094j3la3eFeWhadEGJCkbqkv6zUH87BKqqEINkHSE.",
        "$2a$05$6Y1m9l.40qFfPsN.cX.OJOaKPgm2cFJ5xckY7IoEVvIDActGqm23i",
    };
    return kMade;
}

TEST(OldHash, OpensByItsPasswordAndByNoOther) {
    for (const std::string& text : made_elsewhere()) {
        const auto written = parse_written_password(text, "");
        ASSERT_TRUE(written) << text << ": " << written.error().message;
        EXPECT_TRUE(written->plaintext.empty());
        EXPECT_TRUE(verify_password(written->hash, kPassword)) << text;
        EXPECT_FALSE(verify_password(written->hash, "correct horsf")) << text;
        EXPECT_FALSE(verify_password(written->hash, "")) << text;
        EXPECT_FALSE(verify_password(written->hash, std::string("correct horse\0x", 15))) << text;
        EXPECT_TRUE(is_outdated({.hash = written->hash, .scram = {}}, {})) << text;
        // What is kept is read again as the same.
        const auto again = parse_written_password(written->hash, "");
        ASSERT_TRUE(again) << written->hash;
        EXPECT_EQ(again->hash, written->hash);
    }
}

TEST(OldHash, OneChangedByteClosesIt) {
    for (const std::string& text : made_elsewhere()) {
        const std::string hash = parse_written_password(text, "")->hash;
        std::string changed = hash;
        char& sign = changed[changed.size() - 6];
        sign = sign == 'a' ? 'b' : 'a';
        EXPECT_FALSE(verify_password(changed, kPassword)) << changed;
        EXPECT_FALSE(verify_password(hash.substr(0, hash.size() - 4), kPassword)) << hash;
    }
}

TEST(OldHash, PlaintextIsForTheImporterToHash) {
    EXPECT_EQ(parse_written_password("{PLAIN}secret{}", "")->plaintext, "secret{}");
    EXPECT_EQ(parse_written_password("{CLEAR.b64}Y29ycmVjdCBob3JzZQ==", "")->plaintext, kPassword);
    EXPECT_EQ(parse_written_password("secret", "plain")->plaintext, "secret");
    EXPECT_EQ(parse_written_password("$6$ecret", "PLAIN")->plaintext, "$6$ecret");
}

TEST(OldHash, TheSchemeOfValuesThatNameNone) {
    EXPECT_EQ(
        parse_written_password("3cb4e732631f47e6eb961f34554b7cde", "PLAIN-MD5")->hash,
        "{PLAIN-MD5}3cb4e732631f47e6eb961f34554b7cde"
    );
    const auto none = parse_written_password("3cb4e732631f47e6eb961f34554b7cde", "");
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().message.find("--scheme"), std::string::npos);
}

TEST(OldHash, WhatIsRefused) {
    for (const std::string_view bad : {
             "",
             "{",
             "{}x",
             "{SSHA}",
             "{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=",     // no salt
             "{SHA}XypeYxBs1GmqQ1pYKAO0+NyfsYZMoPZs",  // too long
             "{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVc",    // too short
             "{SHA.ROT13}L55TUjtiq8FBorTWAZ0jy6g129A=",
             "{CRAM-MD5}38b57fd1a0c4b46c814aa05f20318edd71c455380655f2c0ac35c5b359528d29",
             "{DES-CRYPT}3UzYeHRhTxkD6",
             "{CRYPT}3UzYeHRhTxkD6",
             "{CRYPT}*",
             "$2y$31$yLM.DFA9IRMv1PjMFjaDGOLzu2v5zHakhT3cE3omkXeAJnDwVCYCO",  // hours
             "$6$rounds=999999999$aNM2Hc3okCwnRAqE$"
             "JGJAoppBKtc8zOCf5t4Oig3uaKzwhAlcUMhjOd7kzfLXhjmFo"
             "cG28DZHR.0mqMpYLV8uWqWoz8/.5SH2P1zUQ.",
             "{PBKDF2-SHA256}99999999$tta69x7jfG/tvdday1mrtQ$kh6iZov/"
             "MKxIt1QxtH05JdWdCE6lnvh.7r0BIW2wNl8",
             "{PBKDF2-SHA256}1000$tta69x7jfG/tvdday1mrtQ$",
             "{ARGON2ID}$argon2id$v=19$m=99999999,t=3,p=1$Xbb3b5YYeuFPYJUkMQHPAg$K6A+"
             "xYSOiQOH62lkjMpwortQ7PeuU2i62XyDVczX/a4",
             "{SCRAM-SHA-256}1,HFvH+Pwo2B+11lBZ6v0kBQ==,EtY7u3BU/"
             "rcMGovDHYUvcQThDK3Slcun/WByQUl+WaU=,5HU8bc66hOrHm1FNZ46LOFXR3urATq+b+ttEaT/EX48=",
             "$gy$j9T$rJjG46klQ98.R247aNlEn0$ta8Y00A4RRtveE57R62rNiWx7ALjc1NF14YurC4gbi2",
             "secret",
         }) {
        const auto written = parse_written_password(bad, "");
        EXPECT_FALSE(written) << bad;
        EXPECT_FALSE(verify_old_hash(bad, "")) << bad;
        EXPECT_FALSE(verify_old_hash(bad, kPassword)) << bad;
        if (!written && bad.size() > 8) {
            EXPECT_EQ(written.error().message.find(bad.substr(bad.size() - 6)), std::string::npos);
        }
    }
    EXPECT_FALSE(parse_written_password("{PLAIN}" + std::string(kOldHashMax, 'x'), ""));
}

TEST(OldHash, ScramKeysAreTakenAsTheyAre) {
    const auto keys = scram_keys_of(
        "{SCRAM-SHA-256}4096,HFvH+Pwo2B+11lBZ6v0kBQ==,EtY7u3BU/"
        "rcMGovDHYUvcQThDK3Slcun/WByQUl+WaU=,5HU8bc66hOrHm1FNZ46LOFXR3urATq+b+ttEaT/EX48="
    );
    ASSERT_TRUE(keys);
    const ScramKeys made = derive_scram_keys(kPassword, keys->salt, keys->iterations);
    EXPECT_EQ(keys->stored_key, made.stored_key);
    EXPECT_EQ(keys->server_key, made.server_key);
    EXPECT_FALSE(scram_keys_of("{SSHA}XypeYxBs1GmqQ1pYKAO0+NyfsYZMoPZs"));
}

}  // namespace
}  // namespace sekisho::account
