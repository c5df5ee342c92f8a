#include "gate/enforce/slots.h"

#include <gtest/gtest.h>

namespace sekisho::gate {
namespace {

Slots::Assignment take(Slots& slots, const std::vector<std::string>& names) {
    auto out = slots.assign(names);
    EXPECT_TRUE(out);
    slots.commit(names, *out);
    return *out;
}

TEST(Slots, ARuleKeepsItsSlotAndOnlyNewOnesAreFresh) {
    Slots slots(10);
    const auto first = take(slots, {"a", "b"});
    EXPECT_EQ(first.fresh.size(), 2U);
    const auto second = take(slots, {"b", "c", "a"});
    EXPECT_EQ(second.of_rule[0], first.of_rule[1]);
    EXPECT_EQ(second.of_rule[2], first.of_rule[0]);
    ASSERT_EQ(second.fresh.size(), 1U);
    EXPECT_EQ(second.fresh[0], second.of_rule[1]);
    EXPECT_EQ(slots.rule(second.of_rule[1]), "c");
    EXPECT_EQ(slots.rule(0), "");
}

TEST(Slots, ASlotIsGivenOutAgainOnePolicyLater) {
    Slots slots(4);  // three besides slot 0
    const auto first = take(slots, {"a", "b"});
    const auto second = take(slots, {"b", "c"});
    EXPECT_NE(second.of_rule[1], first.of_rule[0]);
    EXPECT_EQ(slots.rule(first.of_rule[0]), "a");  // events on their way still find the name
    EXPECT_FALSE(slots.assign({"b", "c", "d"}));   // the slot of "a" may still be counted
    (void)take(slots, {"b", "c"});
    const auto fourth = take(slots, {"b", "c", "d"});
    EXPECT_EQ(fourth.of_rule[2], first.of_rule[0]);
}

TEST(Slots, AnAssignmentThatIsNotCommittedChangesNothing) {
    Slots slots(3);
    ASSERT_TRUE(slots.assign({"a", "b"}));
    ASSERT_TRUE(slots.assign({"c", "d"}));
    const auto full = slots.assign({"a", "b", "c"});
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Errc::Full);
}

TEST(Slots, ManyPoliciesNeverRunOut) {
    Slots slots(9);
    for (int i = 0; i < 1000; ++i) {
        const std::string n = std::to_string(i);
        const auto got = take(slots, {"x" + n, "y" + n, "keep"});
        EXPECT_NE(got.of_rule[0], 0);
        EXPECT_NE(got.of_rule[0], got.of_rule[1]);
    }
}

}  // namespace
}  // namespace sekisho::gate
