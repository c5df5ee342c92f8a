#include "base/time_zone.h"

#include "base/time.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace sekisho {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const Time kWinter = *parse_rfc3339("2026-01-15T12:00:00Z");
const Time kSummer = *parse_rfc3339("2026-07-15T12:00:00Z");

TEST(TimeZone, APlaceHasItsDaylightSaving) {
    const auto tokyo = TimeZone::parse("Asia/Tokyo");
    ASSERT_TRUE(tokyo) << tokyo.error().message;
    EXPECT_EQ(tokyo->offset(kWinter), hours{9});
    EXPECT_EQ(tokyo->offset(kSummer), hours{9});
    const TimeZone berlin = *TimeZone::parse("Europe/Berlin");
    EXPECT_EQ(berlin.offset(kWinter), hours{1});
    EXPECT_EQ(berlin.offset(kSummer), hours{2});
    EXPECT_EQ(TimeZone::parse("Asia/Kathmandu")->offset(kWinter), minutes{345});
    EXPECT_EQ(berlin.text(), "Europe/Berlin");
}

TEST(TimeZone, ADifferenceIsFixed) {
    EXPECT_EQ(TimeZone::parse("+09:00")->offset(kSummer), hours{9});
    EXPECT_EQ(TimeZone::parse("-03:30")->offset(kSummer), minutes{-210});
    EXPECT_EQ(TimeZone::parse("-03:30")->text(), "-03:30");
    EXPECT_EQ(*TimeZone::parse("Z"), TimeZone{});
    EXPECT_EQ(TimeZone{}.text(), "Z");
}

TEST(TimeZone, SaysWhatIsNone) {
    for (const char* bad : {"", "JST", "Asia/Tokio", "+9", "+19:00", "+09:60", "../etc/passwd"}) {
        const auto read = TimeZone::parse(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_THAT(read.error().message, testing::HasSubstr("is no time zone")) << bad;
    }
}

}  // namespace
}  // namespace sekisho
