#include "conduct/machine.h"

#include "base/time.h"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <optional>
#include <string>

namespace sekisho::conduct {
namespace {

using namespace std::chrono_literals;

class Machine : public ::testing::Test {
  protected:
    std::optional<Change> login(const std::string& network, const std::string& country = "") {
        return observe(rules_, state_, {.network = network, .country = country}, now_).change;
    }
    std::optional<Change> to(bool stranger, const std::string& network = "a") {
        const Seen recipient{
            .what = Seen::What::Recipient, .network = network, .stranger = stranger
        };
        return observe(rules_, state_, recipient, now_).change;
    }
    std::optional<Change> seen(Seen::What what) {
        return observe(rules_, state_, {.what = what, .detail = "x"}, now_).change;
    }
    static bool has(const Change& change, Action action) {
        return std::ranges::find(change.actions, action) != change.actions.end();
    }

    Rules rules_;
    State state_;
    Time now_ = from_ms(1'700'000'000'000);
};

TEST_F(Machine, ABotGoesThroughTheStages) {
    std::string stages;
    for (int i = 0; i < 400; ++i) {
        now_ += 1s;
        const auto change = to(true, std::to_string(i % 8));
        if (change) {
            stages += std::string(name(change->to)) + " ";
            EXPECT_EQ(has(*change, Action::HoldQueue), change->to >= Stage::Hold);
            EXPECT_EQ(has(*change, Action::EndSessions), change->to >= Stage::Suspended);
            EXPECT_TRUE(has(*change, Action::TellSubscriber));
            EXPECT_FALSE(change->reason.empty());
        }
    }
    EXPECT_EQ(stages, "slow hold suspended password ");
    EXPECT_LE(state_.evidence.size(), kEvidenceMax);
}

TEST_F(Machine, ANormalUserIsLeftAlone) {
    for (int day = 0; day < 30; ++day) {
        for (int i = 0; i < 20; ++i) {
            now_ += 20min;
            EXPECT_FALSE(login(i % 2 == 0 ? "home" : "office"));
            EXPECT_FALSE(to(i % 5 == 0));
        }
        EXPECT_FALSE(seen(Seen::What::NotTaken));
        EXPECT_FALSE(seen(Seen::What::GateBlocked)) << "the line's fault alone says nothing";
    }
    EXPECT_EQ(state_.score, 0);
}

TEST_F(Machine, TravelThatCantBe) {
    EXPECT_FALSE(login("a", "JP"));
    now_ += 10min;
    const auto change = login("b", "BR");
    ASSERT_TRUE(change);
    EXPECT_EQ(change->to, Stage::Slow);
    EXPECT_EQ(change->reason, "in JP and BR within 10 minutes");
    now_ += 31min;
    EXPECT_FALSE(login("c", "JP")) << "slow enough";
}

TEST_F(Machine, ShareOfRefusedRecipients) {
    for (int i = 0; i < 40; ++i) {
        to(false);
    }
    for (int i = 0; i < 17; ++i) {
        seen(Seen::What::NotTaken);
    }
    EXPECT_EQ(state_.score, 0) << "less than the share";
    seen(Seen::What::NotTaken);
    EXPECT_EQ(state_.score, 20);
    seen(Seen::What::NotTaken);
    EXPECT_EQ(state_.score, 20) << "told once for so many";
    EXPECT_FALSE(seen(Seen::What::GateBlocked));
    EXPECT_EQ(state_.score, 30) << "now that it is suspected itself";
    EXPECT_EQ(seen(Seen::What::Complaint)->to, Stage::Slow);
}

TEST_F(Machine, ScoresFadeAndMildStagesAreTakenBack) {
    seen(Seen::What::Complaint);
    seen(Seen::What::Complaint);
    ASSERT_EQ(seen(Seen::What::Complaint)->to, Stage::Hold);
    EXPECT_NEAR(score_at(rules_, state_, now_ + rules_.half_life), 45, 0.001);
    EXPECT_FALSE(relax(rules_, state_, now_ + 23h));
    now_ += 24h;
    auto change = relax(rules_, state_, now_);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->to, Stage::Slow);
    EXPECT_FALSE(has(*change, Action::ReleaseQueue)) << "nobody has looked at it";
    EXPECT_FALSE(relax(rules_, state_, now_ + 1h)) << "one stage at a time";
    change = relax(rules_, state_, now_ + 24h);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->to, Stage::Normal);
}

TEST_F(Machine, OperatorsHaveTheLastWord) {
    auto change = suspend(state_, "root", "called by the police", now_);
    ASSERT_TRUE(change);
    EXPECT_EQ(state_.stage, Stage::Suspended);
    EXPECT_TRUE(has(*change, Action::EndSessions));
    EXPECT_EQ(state_.by, "root");
    EXPECT_FALSE(suspend(state_, "root", "again", now_));
    EXPECT_FALSE(relax(rules_, state_, now_ + 24h * 365)) << "only somebody undoes it";
    EXPECT_FALSE(password_changed(state_, now_));
    change = undo(state_, "root", "cleared", true, now_);
    ASSERT_TRUE(change);
    EXPECT_TRUE(has(*change, Action::ReleaseQueue));
    EXPECT_EQ(state_.stage, Stage::Normal);
    EXPECT_FALSE(undo(state_, "root", "again", true, now_));
    state_.exempt = true;
    for (int i = 0; i < 1000; ++i) {
        EXPECT_FALSE(to(true, std::to_string(i)));
    }
    EXPECT_TRUE(suspend(state_, "root", "exempt from the machine, not from us", now_));
}

TEST_F(Machine, ANewPasswordEndsTheLastStage) {
    for (int i = 0; i < 6; ++i) {
        seen(Seen::What::Complaint);
    }
    ASSERT_EQ(state_.stage, Stage::Password);
    const auto change = password_changed(state_, now_);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->to, Stage::Normal);
    EXPECT_FALSE(has(*change, Action::ReleaseQueue));
    EXPECT_EQ(state_.score, 0);
}

TEST(Stage, NamesComeBack) {
    for (const Stage one :
         {Stage::Normal, Stage::Slow, Stage::Hold, Stage::Suspended, Stage::Password}) {
        EXPECT_EQ(parse_stage(name(one)), one);
    }
    EXPECT_FALSE(parse_stage("x"));
}

}  // namespace
}  // namespace sekisho::conduct
