#include "base/bytes.h"

#include "base/time.h"

#include <gtest/gtest.h>

namespace sekisho {
namespace {

TEST(Base64, Rfc4648Section10) {
    const std::pair<const char*, const char*> rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"foobar", "Zm9vYmFy"}
    };
    for (const auto& [plain, coded] : rows) {
        EXPECT_EQ(base64(plain), coded);
        EXPECT_EQ(unbase64(coded), plain);
    }
    for (const char* bad : {"Zg=", "Zg", "Zh==", "=g==", "Zm8=Zg==", "Zm 8", "Z===", "===="}) {
        EXPECT_FALSE(unbase64(bad)) << bad;
    }
}

TEST(Crc32c, Rfc3720AppendixB4) {
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
    EXPECT_EQ(crc32c("56789", crc32c("1234")), crc32c("123456789"));
    EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
}

TEST(Utf8, RefusesOverlongSurrogatesAndCutSequences) {
    EXPECT_TRUE(is_utf8("関所"));
    for (const char* bad :
         {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe9\x96", "\x80", "\xff"}) {
        EXPECT_FALSE(is_utf8(bad));
    }
}

TEST(Printable, NeverLetsAControlByteThrough) {
    EXPECT_EQ(printable("a\r\nb\x1b[2J"), "a\\x0d\\x0ab\\x1b[2J");
    EXPECT_EQ(printable("関所\xff"), "関所\\xff");
}

TEST(Time, WritesAndReads) {
    const Time at = from_ms(1795528404123);
    EXPECT_EQ(rfc3339(at), "2026-11-24T13:53:24.123Z");
    EXPECT_EQ(parse_rfc3339(rfc3339(at)), at);
    EXPECT_EQ(parse_rfc3339("2026-11-24T22:53:24.123+09:00"), at);
    EXPECT_EQ(rfc5322_date(at), "Tue, 24 Nov 2026 13:53:24 +0000");
    for (const char* bad :
         {"2026-02-30", "2026-11-24T", "2026-11-24T25:00:00Z", "24.11.2026", "2026-11-24T13:53:24"
         }) {
        EXPECT_FALSE(parse_rfc3339(bad)) << bad;
    }
}

TEST(Duration, ReadsWhatItWrites) {
    for (const char* text : {"250ms", "90s", "15m", "4h", "5d", "0s"}) {
        EXPECT_EQ(format_duration(*parse_duration(text)), text);
    }
    for (const char* bad : {"", "5x", "-1s", "s", "99999999999999999999", "9223372036854775807d"}) {
        EXPECT_FALSE(parse_duration(bad)) << bad;
    }
}

}  // namespace
}  // namespace sekisho
