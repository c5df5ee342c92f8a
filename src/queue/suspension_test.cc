#include "queue/suspension.h"

#include "base/time.h"

#include <gtest/gtest.h>
#include <string>

namespace sekisho::queue {
namespace {

using Of = Suspension::Of;
constexpr Time kNow = Time{Duration{1'790'000'000'000}};

Suspension of(Of what, const std::string& name) {
    Suspension suspension;
    suspension.of = what;
    suspension.name = name;
    return suspension;
}

TEST(Suspensions, AreOfAnAccountOrADomainUntilTheirTimeIsOver) {
    Suspensions table;
    EXPECT_TRUE(table.empty());
    table.set(of(Of::Account, "a"));
    Suspension timed = of(Of::Domain, "example.org");
    timed.until = kNow + Duration{10};
    table.set(timed);
    EXPECT_TRUE(table.find(Of::Account, "a", kNow));
    EXPECT_FALSE(table.find(Of::Domain, "a", kNow));
    EXPECT_TRUE(table.find(Of::Domain, "example.org", kNow));
    EXPECT_FALSE(table.find(Of::Domain, "example.org", kNow + Duration{10}));
    EXPECT_TRUE(table.remove_over(kNow).empty());
    const auto over = table.remove_over(kNow + Duration{10});
    ASSERT_EQ(over.size(), 1U);
    EXPECT_EQ(over[0].name, "example.org");
    EXPECT_EQ(table.list().size(), 1U);
    EXPECT_FALSE(table.remove(Of::Account, "b"));
    EXPECT_TRUE(table.remove(Of::Account, "a"));
    EXPECT_TRUE(table.empty());
}

TEST(Suspensions, AreReplaced) {
    Suspensions table;
    table.set(of(Of::Account, "a"));
    Suspension again = of(Of::Account, "a");
    again.reason = "twice";
    table.set(again);
    EXPECT_EQ(table.list().size(), 1U);
    EXPECT_EQ(table.find(Of::Account, "a", kNow)->reason, "twice");
}

}  // namespace
}  // namespace sekisho::queue
