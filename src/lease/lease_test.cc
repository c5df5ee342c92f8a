// What may be leased, what leases mean, and what is told of them.
#include "lease/lease.h"

#include "base/ip.h"
#include "base/time.h"
#include "event/event.h"
#include "event/memory_journal.h"
#include "lease/check.h"
#include "lease/grant.h"
#include "lease/memory_store.h"
#include "lease/plan.h"
#include "policy/policy.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::lease {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Time kNow = *parse_rfc3339("2026-11-24T12:00:00Z");

Prefix prefix(const std::string& text) {
    return *Prefix::parse(text);
}

std::shared_ptr<const policy::Policy> base() {
    policy::Source source;
    source.classes = {
        {"subscribers", "", {prefix("198.51.100.0/24"), prefix("203.0.113.16/28")}, "t:1"},
        {"static", "", {}, "t:2"},
        {"penalty", "", {}, "t:3"},
        {"mail-servers", "", {prefix("192.0.2.25/32")}, "t:4"},
    };
    return *policy::Policy::compile(source);
}

Lease exemption(const std::string& target) {
    Lease out;
    out.prefix = prefix(target);
    out.class_name = "static";
    out.owner = "customer 7";
    out.reason = "runs a mail server";
    out.created_by = "alice";
    out.expires = kNow + 24h;
    return out;
}
Lease penalty(const std::string& target) {
    Lease out = exemption(target);
    out.kind = Kind::Penalty;
    out.class_name = "penalty";
    return out;
}

std::string refused(const Lease& lease) {
    const Status checked = check(lease, *base(), {}, kNow);
    return checked ? "" : checked.error().message;
}

TEST(LeaseCheck, TakesAnAddressForATime) {
    EXPECT_EQ(refused(exemption("198.51.100.7/32")), "");
    EXPECT_EQ(refused(exemption("2001:db8:100::/56")), "");
    Lease line = exemption("198.51.100.7/32");
    line.prefix.reset();
    line.line = "line-7";
    EXPECT_EQ(refused(line), "");
}

TEST(LeaseCheck, NeverOpensAPool) {
    EXPECT_THAT(refused(exemption("198.51.100.0/24")), HasSubstr("wider than the /28"));
    EXPECT_THAT(
        refused(exemption("203.0.113.16/28")), HasSubstr("203.0.113.16/28 of class \"subscribers\"")
    );
    EXPECT_EQ(refused(exemption("203.0.113.16/29")), "");
}

TEST(LeaseCheck, WantsToKnowWhoAndWhyAndUntilWhen) {
    Lease lease = exemption("198.51.100.7/32");
    lease.owner.clear();
    EXPECT_THAT(refused(lease), HasSubstr("an owner"));
    lease = exemption("198.51.100.7/32");
    lease.reason = "two\nlines";
    EXPECT_THAT(refused(lease), HasSubstr("one line"));
    lease = exemption("198.51.100.7/32");
    lease.expires = kNow;
    EXPECT_THAT(refused(lease), HasSubstr("ended already"));
    lease.expires = kNow + 24h * 400;
    EXPECT_THAT(refused(lease), HasSubstr("366d at most"));
    lease = exemption("198.51.100.7/32");
    lease.class_name = "nonesuch";
    EXPECT_THAT(refused(lease), HasSubstr("no class \"nonesuch\""));
    lease = exemption("198.51.100.0/29");
    lease.conditions.reverse_name = "mx.customer.example";
    EXPECT_THAT(refused(lease), HasSubstr("one address only"));
    lease = exemption("198.51.100.7/32");
    lease.line = "line-7";
    EXPECT_THAT(refused(lease), HasSubstr("a prefix or for a line"));
}

TEST(LeaseCheck, APenaltySparesWhomThePolicyKnows) {
    EXPECT_EQ(refused(penalty("192.0.2.26/32")), "");
    EXPECT_THAT(refused(penalty("192.0.2.25/32")), HasSubstr("\"mail-servers\""));
    EXPECT_THAT(refused(penalty("192.0.2.0/24")), HasSubstr("192.0.2.25/32"));
}

class Planning : public testing::Test {
  protected:
    std::int64_t add(Lease lease) {
        lease.id = static_cast<std::int64_t>(leases_.size()) + 1;
        leases_.push_back(lease);
        return lease.id;
    }
    Plan planned() {
        return plan(
            leases_,
            *base(),
            [this](const std::string& line) {
                return line == "line-7" ? held_ : std::vector<Prefix>{};
            },
            kNow
        );
    }
    static std::string text(const Plan& plan) {
        std::string out;
        for (const Placed& one : plan.placed) {
            out += one.over.prefix.text() + "=" + std::to_string(one.lease) + " ";
        }
        return out;
    }
    std::vector<Lease> leases_;
    std::vector<Prefix> held_;
};

TEST_F(Planning, ExemptionsComeBeforePenaltiesAndOlderOnesBeforeYounger) {
    add(penalty("203.0.113.1/32"));
    add(exemption("203.0.113.1/32"));
    Lease line = exemption("203.0.113.1/32");
    line.prefix.reset();
    line.line = "line-7";
    add(line);
    held_ = {prefix("203.0.113.1/32"), prefix("2001:db8:7::/56")};
    const Plan plan = planned();
    EXPECT_EQ(text(plan), "203.0.113.1/32=2 2001:db8:7::/56=3 ");
    ASSERT_EQ(plan.unplaced.size(), 2U);
    EXPECT_THAT(plan.unplaced[0].why, HasSubstr("leased by 2"));
}

TEST_F(Planning, WhatDoesNotLiveOrIsNotProvenHasNoEffect) {
    Lease lease = exemption("198.51.100.1/32");
    lease.expires = kNow;
    add(lease);
    lease = exemption("198.51.100.2/32");
    lease.ended = kNow;
    add(lease);
    lease = exemption("198.51.100.3/32");
    lease.conditions.unlisted = true;
    add(lease);
    EXPECT_EQ(text(planned()), "");
    leases_.back().checked = kNow;
    EXPECT_EQ(text(planned()), "198.51.100.3/32=3 ");
}

TEST_F(Planning, APenaltyOfWhatThePolicyNamesTodayIsNotPlaced) {
    add(penalty("192.0.2.25/32"));
    const Plan plan = planned();
    EXPECT_TRUE(plan.placed.empty());
    EXPECT_THAT(plan.unplaced.at(0).why, HasSubstr("mail-servers"));
}

TEST(Granting, EveryStepIsTold) {
    MemoryLeaseStore store;
    event::MemoryJournal journal;
    const Registry registry{store, journal};
    const auto granted = grant(registry, exemption("198.51.100.7/32"), *base(), {}, kNow);
    ASSERT_TRUE(granted) << granted.error().message;
    const auto again = grant(registry, exemption("198.51.100.7/32"), *base(), {}, kNow);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::Conflict);
    EXPECT_THAT(again.error().message, HasSubstr("exemption 1 already"));

    ASSERT_TRUE(renew(registry, granted->id, kNow + 48h, "bob", {}, kNow));
    EXPECT_FALSE(renew(registry, granted->id, kNow + 24h * 400, "bob", {}, kNow));
    EXPECT_FALSE(renew(registry, granted->id, kNow + 400h, "bob", {}, kNow + 72h)) << "expired";
    EXPECT_EQ(end(registry, *granted, kNow + 1h, "bob", "moved away"), true);
    EXPECT_EQ(end(registry, *granted, kNow + 2h, "carol", "again"), false);
    EXPECT_FALSE(renew(registry, granted->id, kNow + 48h, "bob", {}, kNow));

    ASSERT_EQ(journal.rows.size(), 3U);
    EXPECT_EQ(journal.rows[0].kind, event::Kind::LeaseGranted);
    EXPECT_EQ(journal.rows[0].address, "198.51.100.7");
    EXPECT_THAT(journal.rows[0].detail, HasSubstr("customer 7, by alice: runs a mail server"));
    EXPECT_EQ(journal.rows[1].kind, event::Kind::LeaseRenewed);
    EXPECT_EQ(journal.rows[2].kind, event::Kind::LeaseEnded);
    EXPECT_THAT(journal.rows[2].detail, HasSubstr("bob: moved away"));
}

}  // namespace
}  // namespace sekisho::lease
