#include "account/app_password.h"

#include "account/password.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sekisho::account {
namespace {

TEST(AppPassword, TheSelectorIsTheFirstGroupOfWhatWeMake) {
    const std::string made = generate_app_password();
    EXPECT_EQ(made.size(), 24U);
    EXPECT_EQ(selector_of(made), made.substr(0, 4));
    EXPECT_NE(made, generate_app_password());
    for (const std::string_view other :
         {"",
          "abcd-efgh-ijkm-npqr",
          "abcd-efgh-ijkm-npqr-stu",
          "ABCD-efgh-ijkm-npqr-stuv",
          "abcd efgh ijkm npqr stuv",
          "abcd-efgh-ijkm-npqr-stu1"}) {
        EXPECT_EQ(selector_of(other), "") << other;
    }
}

TEST(AppPassword, WhereAndUntilWhen) {
    AppPassword one;
    const IpAddress here = *IpAddress::parse("192.0.2.7");
    const Time now = from_ms(1'700'000'000'000);
    EXPECT_EQ(why_unusable(one, here, now), "");
    one.from = {*Prefix::parse("198.51.100.0/24"), *Prefix::parse("192.0.2.0/29")};
    EXPECT_EQ(why_unusable(one, here, now), "");
    EXPECT_EQ(why_unusable(one, *IpAddress::parse("192.0.2.8"), now), "is not for 192.0.2.8");
    one.expires = now;
    EXPECT_NE(why_unusable(one, here, now).find("has expired"), std::string::npos);
    EXPECT_EQ(why_unusable(one, here, now - Duration{1}), "");
}

TEST(AppPassword, Names) {
    EXPECT_TRUE(check_app_password_name("phone of T."));
    for (const std::string_view bad : {"", " x", "a\nb", "\xff"}) {
        EXPECT_FALSE(check_app_password_name(bad)) << bad;
    }
    EXPECT_FALSE(check_app_password_name(std::string(41, 'x')));
}

}  // namespace
}  // namespace sekisho::account
