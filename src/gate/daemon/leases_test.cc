// Leases on an engine: placed, counted, ended.
#include "gate/daemon/leases.h"

#include "base/ip.h"
#include "base/time.h"
#include "event/memory_journal.h"
#include "gate/enforce/engine.h"
#include "lease/grant.h"
#include "lease/memory_store.h"
#include "line/memory_store.h"
#include "policy/policy.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Time kNow = *parse_rfc3339("2026-11-24T12:00:00Z");

Prefix prefix(const std::string& text) {
    return *Prefix::parse(text);
}

class LeasesTest : public testing::Test {
  protected:
    LeasesTest() {
        policy::Source source;
        source.classes = {
            {"subscribers", "", {prefix("198.51.100.0/24")}, ""}, {"static", "", {}, ""}
        };
        policy_ = *policy::Policy::compile(source);
    }
    lease::Lease exemption() {
        lease::Lease out;
        out.class_name = "static";
        out.owner = out.reason = out.created_by = "test";
        out.expires = kNow + 72h;
        return out;
    }
    std::int64_t grant(lease::Lease lease) {
        const auto granted = lease::grant({store_, journal_}, std::move(lease), *policy_, {}, kNow);
        EXPECT_TRUE(granted) << granted.error().message;
        return granted ? granted->id : 0;
    }
    bool refresh(Time at, bool lines_too = true) {
        const auto changed = leases_.refresh(*policy_, at, lines_too);
        EXPECT_TRUE(changed);
        return changed && *changed;
    }
    std::string placed() {
        std::string out;
        for (const policy::Override& one : lease::overrides_of(leases_.placed())) {
            out += one.prefix.text() + " ";
        }
        return out;
    }
    std::string last_told() { return journal_.rows.empty() ? "" : journal_.rows.back().detail; }

    std::shared_ptr<const policy::Policy> policy_;
    lease::MemoryLeaseStore store_;
    line::MemoryLineStore lines_;
    event::MemoryJournal journal_;
    Leases leases_{{store_, journal_}, lines_};
};

TEST_F(LeasesTest, AnExemptionFollowsItsLine) {
    lease::Lease lease = exemption();
    lease.line = "line-7";
    grant(lease);
    EXPECT_FALSE(refresh(kNow)) << "the line holds nothing";
    line::Session session{"s1", "nas", "line-7", "", {prefix("198.51.100.7/32")}, kNow, {}, kNow};
    ASSERT_TRUE(lines_.put(session));
    EXPECT_FALSE(refresh(kNow, false));
    EXPECT_TRUE(refresh(kNow));
    EXPECT_EQ(placed(), "198.51.100.7/32 ");
    ASSERT_TRUE(lines_.stop("nas", "s1", kNow + 1min));
    session.id = "s2";
    session.prefixes = {prefix("198.51.100.9/32"), prefix("2001:db8:7::/56")};
    session.start = session.seen = kNow + 1min;
    ASSERT_TRUE(lines_.put(session));
    EXPECT_TRUE(refresh(kNow + 2min));
    EXPECT_EQ(placed(), "198.51.100.9/32 2001:db8:7::/56 ");
    EXPECT_FALSE(refresh(kNow + 3min));
}

TEST_F(LeasesTest, AtItsTimeItEndsAndThatIsTold) {
    lease::Lease lease = exemption();
    lease.prefix = prefix("198.51.100.7/32");
    const auto id = grant(lease);
    EXPECT_TRUE(refresh(kNow));
    EXPECT_FALSE(refresh(kNow + 71h));
    EXPECT_TRUE(refresh(kNow + 73h));
    EXPECT_EQ(placed(), "");
    EXPECT_THAT(last_told(), HasSubstr("ended by the gate: it has expired"));
    EXPECT_EQ(store_.find(id)->ended, kNow + 72h);
}

TEST_F(LeasesTest, TooManyConnectionsInADayEndIt) {
    lease::Lease lease = exemption();
    lease.prefix = prefix("198.51.100.7/32");
    lease.conditions.connections_per_day = 100;
    grant(lease);
    EXPECT_TRUE(refresh(kNow));
    const auto seen = [&](std::uint64_t connections, Time at) {
        leases_.count({{prefix("198.51.100.7/32"), connections}}, at);
        return refresh(at);
    };
    EXPECT_FALSE(seen(100, kNow));
    EXPECT_FALSE(seen(200, kNow + 24h)) << "another day";
    EXPECT_FALSE(seen(0, kNow + 24h)) << "the gate was started again";
    EXPECT_TRUE(seen(1, kNow + 24h));
    EXPECT_EQ(placed(), "");
    EXPECT_THAT(last_told(), HasSubstr("101 connections to port 25 in a day, 100 are allowed"));
}

TEST_F(LeasesTest, WhatMustBeLookedUpComesFirst) {
    lease::Lease lease = exemption();
    lease.prefix = prefix("198.51.100.7/32");
    lease.conditions.reverse_name = "mx.customer.example";
    const auto id = grant(lease);
    EXPECT_FALSE(refresh(kNow));
    EXPECT_THAT(leases_.status()["each"][0]["why_not"], HasSubstr("not been seen to hold"));
    leases_.looked_up(id, "", kNow);
    EXPECT_TRUE(refresh(kNow));
    EXPECT_EQ(placed(), "198.51.100.7/32 ");
    leases_.looked_up(id, "the reverse name of 198.51.100.7 is not mx.customer.example", kNow);
    EXPECT_TRUE(refresh(kNow));
    EXPECT_EQ(placed(), "");
    EXPECT_THAT(last_told(), HasSubstr("is not mx.customer.example"));
}

TEST_F(LeasesTest, ANewPolicyIsPlannedWithoutTouchingTheOldPlan) {
    lease::Lease lease = exemption();
    lease.prefix = prefix("198.51.100.7/32");
    grant(lease);
    ASSERT_TRUE(refresh(kNow));
    policy::Source source;
    source.classes = {{"subscribers", "", {prefix("198.51.100.0/24")}, ""}};
    const auto without = *policy::Policy::compile(source);
    const lease::Plan next = leases_.planned(*without, kNow);
    EXPECT_TRUE(next.placed.empty());
    EXPECT_THAT(next.unplaced.at(0).why, HasSubstr("no class \"static\" any more"));
    EXPECT_EQ(placed(), "198.51.100.7/32 ");
}

}  // namespace
}  // namespace sekisho::gate
