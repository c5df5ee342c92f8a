#include "peer/evidence.h"

#include <cstddef>
#include <gtest/gtest.h>
#include <set>
#include <string_view>

namespace sekisho::peer {
namespace {

TEST(Evidence, EveryKindHasANameAndAMeaning) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kKinds; ++i) {
        EXPECT_FALSE(name(kind_at(i)).empty());
        EXPECT_FALSE(about(kind_at(i)).empty());
        names.insert(name(kind_at(i)));
    }
    EXPECT_EQ(names.size(), kKinds);
    // The first and the last, so that names can't have moved against their kinds.
    EXPECT_EQ(name(Kind::DeclaredServer), "declared_server");
    EXPECT_EQ(name(Kind::EarlyTalker), "early_talker");
    EXPECT_EQ(name(Kind::PastBad), "past_bad");
    EXPECT_EQ(static_cast<std::size_t>(Kind::PastBad) + 1, kKinds);
}

TEST(Evidence, ActionsAreReadAsTheyAreWritten) {
    for (const auto action :
         {Action::Off, Action::Note, Action::Weigh, Action::Delay, Action::Refuse, Action::Accept
         }) {
        EXPECT_EQ(action_of(name(action)), action);
    }
    EXPECT_FALSE(action_of("tarpit"));
    EXPECT_FALSE(action_of(""));
}

TEST(Evidence, LookUpsAreNeededWhileOneOfTheirKindsIsOn) {
    Rules rules;
    EXPECT_FALSE(rules.all_off(Kind::HeloLeadsBack, Kind::HeloElsewhere));
    rules.of(Kind::HeloLeadsBack).action = Action::Off;
    EXPECT_FALSE(rules.all_off(Kind::HeloLeadsBack, Kind::HeloElsewhere));
    rules.of(Kind::HeloElsewhere).action = Action::Off;
    EXPECT_TRUE(rules.all_off(Kind::HeloLeadsBack, Kind::HeloElsewhere));
}

}  // namespace
}  // namespace sekisho::peer
