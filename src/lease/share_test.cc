// Lines in a share, by the addresses they hold at the moment.
#include "lease/share.h"

#include "base/ip.h"
#include "base/time.h"
#include "lease/plan.h"
#include "line/line.h"
#include "line/memory_store.h"
#include "line/ports.h"
#include "policy/overlay.h"
#include "policy/policy.h"
#include "policy/stages.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::lease {
namespace {

using namespace std::chrono_literals;

const Time kNow = *parse_rfc3339("2027-03-02T00:00:00Z");

IpAddress ip(const std::string& text) {
    return *IpAddress::parse(text);
}

std::shared_ptr<const policy::Policy> tenth() {
    policy::Source source;
    source.classes = {
        {"subscribers", "", {*Prefix::parse("10.0.0.0/8"), *Prefix::parse("2001:db8::/32")}, ""},
        {"static", "", {}, ""},
    };
    policy::RuleSource rule;
    rule.name = "op25b";
    rule.from = "subscribers";
    rule.to = "*";
    rule.action = policy::Action::Refuse;
    rule.scope.share = 10;
    source.rules = {rule};
    return *policy::Policy::compile(source);
}

void begin(line::LineStore& lines, const std::string& line, const std::string& prefix) {
    line::Session session;
    session.id = line + prefix;
    session.nas = "nas";
    session.line = line;
    session.prefixes = {*Prefix::parse(prefix)};
    session.start = session.seen = kNow - 1h;
    ASSERT_TRUE(lines.put(session));
}

// A line's name of which share_of() is below or not below 10.
std::string some_line(bool inside, int which) {
    for (int i = 0;; ++i) {
        const std::string name = "line-" + std::to_string(i);
        if ((policy::share_of(name) < 10) == inside && which-- == 0) {
            return name;
        }
    }
}

class Share : public testing::Test {
  protected:
    bool refresh(Time at = kNow, const std::vector<Placed>& leases = {}) {
        const auto changed = shares_.refresh(*policy_, leases, lines_, at);
        EXPECT_TRUE(changed) << changed.error().message;
        laid_ = *policy::with_overrides(policy_, overrides_of(leases, shares_));
        return changed && *changed;
    }
    policy::Action action(const std::string& address) const {
        return laid_->judge(ip(address), ip("192.0.2.1"), policy::Direction::ToPort25).action;
    }

    line::MemoryLineStore lines_;
    std::shared_ptr<const policy::Policy> policy_ = tenth(), laid_ = policy_;
    Shares shares_;
};

TEST_F(Share, FollowsItsLinesFromAddressToAddress) {
    const std::string inside = some_line(true, 0);
    begin(lines_, inside, "10.0.0.1/32");
    begin(lines_, inside, "2001:db8:0:100::/56");
    begin(lines_, some_line(false, 0), "10.0.0.2/32");
    EXPECT_TRUE(refresh());
    EXPECT_EQ(action("10.0.0.1"), policy::Action::Refuse);
    EXPECT_EQ(action("2001:db8:0:1ff::25"), policy::Action::Refuse);
    EXPECT_EQ(action("10.0.0.2"), policy::Action::Pass);
    EXPECT_EQ(action("10.0.0.3"), policy::Action::Pass) << "an address without a line";
    EXPECT_EQ(shares_.sessions(), 3U);

    EXPECT_FALSE(refresh(kNow + 500ms)) << "not that often";
    ASSERT_TRUE(lines_.stop("nas", inside + "10.0.0.1/32", kNow));
    begin(lines_, inside, "10.0.0.9/32");
    EXPECT_TRUE(refresh(kNow + 1s));
    EXPECT_EQ(action("10.0.0.1"), policy::Action::Pass);
    EXPECT_EQ(action("10.0.0.9"), policy::Action::Refuse);
    EXPECT_FALSE(refresh(kNow + 2s)) << "the same lines";
}

TEST_F(Share, OfTwoLinesOnOneAddressNeitherIsInIt) {
    begin(lines_, some_line(true, 0), "10.0.0.1/32");
    begin(lines_, some_line(false, 0), "10.0.0.1/32");
    EXPECT_FALSE(refresh());
    EXPECT_EQ(action("10.0.0.1"), policy::Action::Pass);
}

TEST_F(Share, WhereALeaseDecidesItDoesnt) {
    begin(lines_, some_line(true, 0), "10.0.0.1/32");
    begin(lines_, some_line(true, 1), "10.1.0.1/32");
    const policy::ClassId fixed = policy_->find_class("static")->id;
    const std::vector<Placed> leases{{{*Prefix::parse("10.0.0.0/28"), fixed, std::nullopt}, 1}};
    EXPECT_TRUE(refresh(kNow, leases));
    EXPECT_EQ(action("10.0.0.1"), policy::Action::Pass) << "inside of an exempted prefix";
    EXPECT_EQ(action("10.1.0.1"), policy::Action::Refuse);
}

TEST_F(Share, APolicyWithoutSharesNeedsNoLines) {
    begin(lines_, some_line(true, 0), "10.0.0.1/32");
    EXPECT_TRUE(refresh());
    policy_ = *policy::Policy::compile({});
    EXPECT_TRUE(refresh()) << "they are gone";
    EXPECT_EQ(shares_.sessions(), 0U);
    EXPECT_FALSE(refresh());
}

TEST_F(Share, MoreThanTheGateHoldsAreCounted) {
    shares_ = Shares(3);
    for (int i = 0; i < 5; ++i) {
        begin(lines_, some_line(true, i), "10.0.1." + std::to_string(i) + "/32");
    }
    const policy::ClassId fixed = policy_->find_class("static")->id;
    const std::vector<Placed> leases{{{*Prefix::parse("10.0.0.0/28"), fixed, std::nullopt}, 1}};
    EXPECT_TRUE(refresh(kNow, leases));
    EXPECT_EQ(shares_.overrides().size(), 2U);
    EXPECT_EQ(shares_.left_out(), 3U);
}

// Whoever has the other ports of it may be in no share.
TEST_F(Share, ASharedAddressIsInNoShareAndInNoLease) {
    line::Session session;
    session.id = "shared";
    session.nas = "nas";
    session.line = some_line(true, 0);
    session.prefixes = {*Prefix::parse("10.0.0.1"), *Prefix::parse("2001:db8:0:100::/56")};
    session.ports = *line::PortSet::parse("1024-2047");
    session.start = session.seen = kNow - 1h;
    ASSERT_TRUE(lines_.put(session));
    refresh();
    EXPECT_EQ(action("10.0.0.1"), policy::Action::Pass);
    EXPECT_EQ(action("2001:db8:0:100::1"), policy::Action::Refuse);
    const auto held = held_by(lines_, session.line);
    ASSERT_TRUE(held);
    EXPECT_EQ(*held, std::vector<Prefix>{*Prefix::parse("2001:db8:0:100::/56")});
}

}  // namespace
}  // namespace sekisho::lease
