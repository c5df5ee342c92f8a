#include "srs/srs.h"

#include "base/result.h"
#include "base/time.h"

#include <cctype>
#include <chrono>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::srs {
namespace {

using namespace std::chrono_literals;

const Time kNow{std::chrono::milliseconds{1'800'000'000'000}};
const Secrets kSecrets{"tops3cr3t"};

std::string first(const Secrets& secrets = kSecrets) {
    return rewrite("Taro.Yamada", "example.org", secrets, kNow).value();
}

TEST(Srs, ThereAndBack) {
    const std::string local = first();
    EXPECT_TRUE(local.starts_with("SRS0=")) << local;
    EXPECT_TRUE(local.ends_with("=example.org=Taro.Yamada")) << local;
    const auto back = restore(local, kSecrets, kNow);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->local, "Taro.Yamada");
    EXPECT_EQ(back->domain, "example.org");
}

TEST(Srs, AsMailSrsHasIt) {
    // Perl's Mail::SRS 0.31, HashLength 6, on 2026-11-27.
    const Time day{std::chrono::seconds{1'795'737'600}};
    EXPECT_EQ(
        *rewrite("Taro.Yamada", "example.org", kSecrets, day),
        "SRS0=Oh6jZ5=JQ=example.org=Taro.Yamada"
    );
    EXPECT_EQ(
        *rewrite("SRS0=Oh6jZ5=JQ=example.org=Taro.Yamada", "ours.net", kSecrets, day),
        "SRS1=iJoY2Y=ours.net==Oh6jZ5=JQ=example.org=Taro.Yamada"
    );
}

TEST(Srs, LocalPartsWithEqualsSigns) {
    const auto local = rewrite("bounce=user=x.org", "list.example", kSecrets, kNow);
    const auto back = restore(*local, kSecrets, kNow);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->local, "bounce=user=x.org");
}

TEST(Srs, InLowerCase) {
    std::string local = first();
    for (char& c : local) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    EXPECT_TRUE(is_rewritten(local));
    EXPECT_TRUE(restore(local, kSecrets, kNow));
}

TEST(Srs, ThirdHopsAnswerToTheFirst) {
    const auto second = rewrite(first(), "one.example", {"two"}, kNow);
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->starts_with("SRS1=")) << *second;
    const auto third = rewrite(*second, "two.example", {"three"}, kNow);
    ASSERT_TRUE(third);
    EXPECT_EQ(third->size(), second->size());
    const auto back = restore(*third, {"three"}, kNow);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->domain, "one.example");
    EXPECT_EQ(back->local, first());
    EXPECT_TRUE(restore(back->local, kSecrets, kNow));
}

TEST(Srs, Separators) {
    // As another first hop wrote it: it must come back to it as it was.
    const auto second = rewrite("SRS0+abcd=AA=x.org=u", "one.example", kSecrets, kNow);
    EXPECT_EQ(restore(*second, kSecrets, kNow)->local, "SRS0+abcd=AA=x.org=u");
}

TEST(Srs, ForgedOrOld) {
    const std::string local = first();
    EXPECT_EQ(restore(local, {"another"}, kNow).error().code, Errc::Denied);
    std::string other = local;
    other.replace(other.find("Taro"), 4, "Jiro");
    EXPECT_EQ(restore(other, kSecrets, kNow).error().code, Errc::Denied);
    EXPECT_TRUE(restore(local, kSecrets, kNow + std::chrono::days(kDaysMax)));
    EXPECT_EQ(
        restore(local, kSecrets, kNow + std::chrono::days(kDaysMax + 1)).error().code, Errc::Denied
    );
    EXPECT_TRUE(restore(local, kSecrets, kNow - 24h));  // a clock that is behind
    EXPECT_FALSE(restore(local, kSecrets, kNow - 48h));
}

TEST(Srs, SecretsAreReplaced) {
    EXPECT_TRUE(restore(first(), {"new", "tops3cr3t"}, kNow));
    EXPECT_NE(first({"new", "tops3cr3t"}), first());
}

TEST(Srs, Malformed) {
    for (const char* bad :
         {"",
          "taro",
          "SRS0=",
          "SRS0=abcd",
          "SRS0=abcd=AA=x.org=",
          "SRS0=abcd=A1=x.org=u",
          "SRS0=abcd=AA==u",
          "SRS1=abcd",
          "SRS1=abcd=one.example",
          "SRS2=abcd=AA=x.org=u"}) {
        EXPECT_EQ(restore(bad, kSecrets, kNow).error().code, Errc::Invalid) << bad;
    }
    EXPECT_EQ(restore("SRS0=abc=AA=x.org=u", kSecrets, kNow).error().code, Errc::Denied);
    EXPECT_FALSE(rewrite(std::string(600, 'x'), "x.org", kSecrets, kNow));
    EXPECT_FALSE(rewrite("SRS1=abcd", "x.org", kSecrets, kNow));
}

}  // namespace
}  // namespace sekisho::srs
