#include "exemption/exemption.h"

#include "base/time.h"
#include "event/event.h"
#include "exemption/act.h"
#include "exemption/memory_store.h"
#include "lease/memory_store.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::exemption {
namespace {

using namespace std::chrono_literals;

const Time kNow = from_ms(1'800'000'000'000);

std::vector<Finding> all(Mark mark) {
    std::vector<Finding> out;
    for (const Check one : kChecks) {
        out.push_back({one, mark, "so it is"});
    }
    return out;
}

Request request() {
    Request out;
    out.login = "taro@example.net";
    out.line = "L1";
    out.address = IpAddress::parse("198.51.100.7").value();
    out.domain = "taro.example";
    out.reason = "mail of my club";
    out.created = out.changed = kNow;
    out.reverse_name = "mx.taro.example";
    out.findings = all(Mark::Passed);
    return out;
}

class NoJournal final : public event::Journal {
  public:
    void append(event::Event event) override { events.push_back(std::move(event)); }
    Status flush() override { return {}; }
    Result<std::vector<event::Event>> find(const event::Query& /*query*/) override {
        return events;
    }
    Result<std::vector<std::pair<event::Kind, std::int64_t>>> totals(Time /*since*/) override {
        return std::vector<std::pair<event::Kind, std::int64_t>>{};
    }
    std::vector<event::Event> events;
};

TEST(Requests, AreCheckedBeforeTheyAreTaken) {
    EXPECT_TRUE(check(request()));
    for (const char* domain :
         {"",
          "localhost",
          "a..b",
          "-a.example",
          "UPPER.example",
          "x y.z",
          "taro.example.",
          "\xe5\xa4\xaa.example",
          "a/b.example"}) {
        Request bad = request();
        bad.domain = domain;
        EXPECT_FALSE(check(bad)) << domain;
    }
    for (const std::string& reason :
         {std::string(),
          std::string("  "),
          std::string("a\r\nb"),
          std::string(301, 'x'),
          std::string("\xff")}) {
        Request bad = request();
        bad.reason = reason;
        EXPECT_FALSE(check(bad));
    }
    Request bad = request();
    bad.line.clear();
    EXPECT_FALSE(check(bad));
}

TEST(Decisions, FollowTheCriteria) {
    Request one = request();
    EXPECT_EQ(decide(one, true, kNow).state, State::Granted);
    EXPECT_EQ(decide(one, false, kNow).state, State::Waiting);
    for (std::size_t i = 0; i < kChecks.size(); ++i) {
        one.findings = all(Mark::Passed);
        one.findings[i].mark = Mark::Failed;
        EXPECT_EQ(decide(one, true, kNow).state, State::Refused);
        EXPECT_EQ(decide(one, false, kNow).state, State::Refused);
        one.findings[i].mark = Mark::Unknown;
        EXPECT_EQ(decide(one, true, kNow).state, State::Asked);
        EXPECT_EQ(decide(one, true, kNow + kPatience).state, State::Waiting);
        one.findings.erase(one.findings.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_EQ(decide(one, true, kNow).state, State::Asked) << "what wasn't looked at";
    }
    one.findings.clear();
    EXPECT_EQ(decide(one, true, kNow).state, State::Asked);
}

TEST(Decisions, OfAGrantedOneWarnOnceAboutSpf) {
    const auto passed = all(Mark::Passed);
    auto spf = passed;
    spf[2].mark = Mark::Failed;
    EXPECT_EQ(decide_again(passed, passed).state, State::Granted);
    EXPECT_EQ(decide_again(passed, spf).state, State::Granted);
    EXPECT_EQ(decide_again(spf, spf).state, State::Revoked);
    auto relay = passed;
    relay[3].mark = Mark::Failed;
    EXPECT_EQ(decide_again(passed, relay).state, State::Revoked);
    EXPECT_EQ(decide_again(passed, all(Mark::Unknown)).state, State::Granted);
    EXPECT_EQ(decide_again({}, {}).state, State::Granted);
}

TEST(Findings, ComeBackFromText) {
    auto found = all(Mark::Unknown);
    found[1].detail = "a b  c";
    EXPECT_EQ(parse_findings(to_text(found)), found);
    EXPECT_TRUE(parse_findings("").empty());
    EXPECT_TRUE(parse_findings("spf\nspf passed\nx passed y\nspf maybe y\n \n").empty());
}

class Acts : public testing::Test {
  protected:
    Result<Request> bring(Request one, State to) {
        return exemption::bring(
            {requests_, {leases_, journal_}},
            std::move(one),
            {to, "because"},
            "hanako",
            *policy_,
            {"static", 24h * 90, false, {}},
            kNow
        );
    }
    Request added() {
        Request one = request();
        one.id = requests_.add(one).value();
        return one;
    }

    static std::shared_ptr<const policy::Policy> made() {
        policy::Source source;
        source.classes = {
            {"subscribers", "", {Prefix::parse("198.51.100.0/24").value()}, "t:1"},
            {"static", "", {}, "t:2"},
        };
        return policy::Policy::compile(source).value();
    }

    std::shared_ptr<const policy::Policy> policy_ = made();
    MemoryRequestStore requests_;
    lease::MemoryLeaseStore leases_;
    NoJournal journal_;
};

TEST_F(Acts, ALeaseComesAndGoesWithTheState) {
    const auto granted = bring(added(), State::Granted);
    ASSERT_TRUE(granted) << granted.error().message;
    const auto lease = leases_.find(granted->lease);
    ASSERT_TRUE(lease);
    EXPECT_TRUE(lease->alive(kNow));
    EXPECT_EQ(lease->target(), "198.51.100.7/32");
    EXPECT_EQ(lease->conditions.reverse_name, "mx.taro.example");
    EXPECT_EQ(lease->owner, "taro@example.net");
    EXPECT_EQ(requests_.find(granted->id)->state, State::Granted);
    const auto revoked = bring(*granted, State::Revoked);
    ASSERT_TRUE(revoked);
    EXPECT_FALSE(leases_.find(granted->lease)->alive(kNow));
    EXPECT_EQ(bring(*revoked, State::Granted).error().code, Errc::Conflict);
    EXPECT_EQ(bring(*granted, State::Waiting).error().code, Errc::Conflict);
}

TEST_F(Acts, WhoComesTooLateLeavesNoLease) {
    const Request one = added();
    ASSERT_TRUE(bring(one, State::Withdrawn));
    EXPECT_EQ(bring(one, State::Granted).error().code, Errc::Conflict);
    EXPECT_EQ(requests_.find(one.id)->state, State::Withdrawn);
    EXPECT_TRUE(leases_.living()->empty());
}

TEST_F(Acts, TheEndOfTheLeaseIsSeen) {
    const Books books{requests_, {leases_, journal_}};
    const auto granted = bring(added(), State::Granted).value();
    EXPECT_FALSE(ended_elsewhere(books, granted, kNow));
    EXPECT_EQ(ended_elsewhere(books, granted, kNow + 24h * 90)->state, State::Ended);
    ASSERT_TRUE(leases_.end(granted.lease, kNow, "the gate", "the reverse name changed"));
    const auto seen = ended_elsewhere(books, granted, kNow);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->state, State::Revoked);
    EXPECT_EQ(seen->why, "the reverse name changed, by the gate");
}

TEST_F(Acts, AnAccountAndAnAddressHaveOneOpenRequest) {
    const Request one = added();
    EXPECT_EQ(requests_.add(request()).error().code, Errc::Conflict);
    Request other = request();
    other.login = "hanako@example.net";
    EXPECT_EQ(requests_.add(other).error().code, Errc::Conflict) << "the address";
    ASSERT_TRUE(bring(one, State::Withdrawn));
    EXPECT_TRUE(requests_.add(other));
}

}  // namespace
}  // namespace sekisho::exemption
