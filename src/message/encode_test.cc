#include "message/encode.h"

#include "base/bytes.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sekisho::message {
namespace {

TEST(EncodeWords, AreShortAndReadBack) {
    EXPECT_EQ(encode_words("plain text"), "plain text");
    EXPECT_EQ(encode_words("=?x"), "=?UTF-8?B?PT94?=");
    const std::string text =
        "メールを届けられませんでした / Your mail could not be delivered 日本語";
    const std::string encoded = encode_words(text);
    for (const std::string_view word : split(encoded, ' ')) {
        EXPECT_LE(word.size(), 75U);  // RFC 2047 §2
        EXPECT_TRUE(is_utf8(decode_words(word))) << "a character was cut";
    }
    EXPECT_EQ(decode_words(encoded), text);
}

TEST(DecodeWords, ReadsTheCharsetsOfJapaneseMail) {
    EXPECT_EQ(decode_words("=?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?="), "こんにちは");
    EXPECT_EQ(decode_words("=?Shift_JIS?B?grGC8YLJgr+CzQ==?="), "こんにちは");
    EXPECT_EQ(decode_words("=?EUC-JP?B?pLOk86TLpMGkzw==?="), "こんにちは");
    EXPECT_EQ(decode_words("=?iso-8859-1?Q?caf=E9_au?= lait"), "café au lait");
    EXPECT_EQ(decode_words("=?utf-8*ja?b?5pel?= =?UTF-8?B?5pys?= x"), "日本 x");
    EXPECT_EQ(decode_words("a =?utf-8?q?b?= c"), "a b c");
}

TEST(DecodeWords, LeavesWhatItCanNotReadAndDropsControls) {
    for (const char* same :
         {"=?utf-8?B?bad!?=",
          "=?ISO-2022-CN-EXT?B?YQ==?=",
          "=?utf-8?X?YQ==?=",
          "=?utf-8?B?YQ==",
          "=?utf-8?q?=?=",
          "=?utf-8?q?=4?=",
          "=?",
          "=?a?b",
          "a = b"}) {
        EXPECT_EQ(decode_words(same), same);
    }
    EXPECT_EQ(decode_words("=?utf-8?q?a=0D=0ABcc:=1B[31m?="), "aBcc:[31m");
    EXPECT_EQ(decode_words("=?utf-8?q?a=C2=9Bb?="), "ab");
    EXPECT_TRUE(is_utf8(decode_words("\xff\xfe raw")));
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        many +=
            "=?iso-2022-jp?q?"
            "?=";  // in two, or it holds a trigraph
    }
    EXPECT_TRUE(decode_words(many).starts_with("=?iso-2022-jp")) << "past the limit they stay";
    EXPECT_LE(decode_words(std::string(100000, 'x')).size(), 4096U);
}

TEST(QuotedPrintable, FollowsRfc2045) {
    EXPECT_EQ(quoted_printable("a=b \r\n日\r\n"), "a=3Db=20\r\n=E6=97=A5\r\n");
    EXPECT_EQ(quoted_printable("x\t"), "x=09");
    EXPECT_EQ(quoted_printable("a\rb\nc"), "a=0Db=0Ac");
    EXPECT_EQ(
        quoted_printable(std::string(80, 'x')), std::string(75, 'x') + "=\r\n" + std::string(5, 'x')
    );
}

TEST(Base64Lines, AreAtMost76Long) {
    EXPECT_EQ(base64_lines(""), "");
    EXPECT_EQ(base64_lines("abc"), "YWJj\r\n");
    const std::string lines = base64_lines(std::string(58, 'x'));
    EXPECT_EQ(lines.find("\r\n"), 76U);
    EXPECT_TRUE(lines.ends_with("eA==\r\n"));
}

TEST(Xtext, RoundTripsAndRefusesOthers) {
    EXPECT_EQ(encode_xtext("a+b=c d"), "a+2Bb+3Dc+20d");
    EXPECT_EQ(decode_xtext("a+2Bb+3Dc+20d"), "a+b=c d");
    for (const char* bad : {"+", "+2", "+g0", "a=b", "a b"}) {
        EXPECT_FALSE(decode_xtext(bad)) << bad;
    }
}

}  // namespace
}  // namespace sekisho::message
