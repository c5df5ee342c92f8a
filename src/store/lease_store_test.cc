// Leases in a real database, beside the store in memory that says how it is meant.
#include "lease/lease.h"
#include "lease/memory_store.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using lease::Lease;

const Time kNow = from_ms(1'800'000'000'000);

Lease sample(const std::string& target) {
    Lease out;
    out.prefix = *Prefix::parse(target);
    out.class_name = "static";
    out.owner = "customer 7";
    out.reason = "runs a mail server";
    out.created_by = "alice";
    out.created = kNow;
    out.expires = kNow + 24h;
    out.conditions = {"mx.customer.example", true, 500};
    return out;
}

TEST(LeaseStore, DoesWhatTheStoreInMemoryDoes) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    lease::MemoryLeaseStore memory;
    for (lease::LeaseStore* one : {&store->leases(), static_cast<lease::LeaseStore*>(&memory)}) {
        const auto first = one->add(sample("198.51.100.7/32"));
        ASSERT_TRUE(first) << first.error().message;
        EXPECT_EQ(*first, 1);
        const auto same = one->add(sample("198.51.100.7/32"));
        ASSERT_FALSE(same);
        EXPECT_EQ(same.error().code, Errc::Conflict);
        EXPECT_EQ(
            same.error().message, "198.51.100.7/32 has the exemption 1 already: renew or revoke it"
        );
        Lease line = sample("2001:db8::/56");
        line.prefix.reset();
        line.line = "line-7";
        line.kind = lease::Kind::Penalty;
        line.conditions = {};
        ASSERT_EQ(one->add(line), 2);

        const auto version = one->version();
        ASSERT_TRUE(one->renew(1, kNow + 48h));
        EXPECT_NE(*one->version(), *version);
        ASSERT_TRUE(one->checked(1, kNow + 1h));
        Lease wanted = sample("198.51.100.7/32");
        wanted.id = 1;
        wanted.expires = kNow + 48h;
        wanted.checked = kNow + 1h;
        line.id = 2;
        EXPECT_EQ(one->find(1), wanted);
        EXPECT_EQ(one->living(), (std::vector<Lease>{wanted, line}));

        EXPECT_EQ(one->end(1, kNow + 2h, "bob", "moved away"), true);
        EXPECT_EQ(one->end(1, kNow + 3h, "carol", "again"), false);
        EXPECT_EQ(one->end(9, kNow, "bob", "").error().code, Errc::NotFound);
        EXPECT_EQ(one->checked(9, kNow).error().code, Errc::NotFound);
        EXPECT_EQ(one->renew(9, kNow).error().code, Errc::NotFound);
        EXPECT_EQ(one->renew(1, kNow + 72h).error().code, Errc::Conflict);
        wanted.ended = kNow + 2h;
        wanted.ended_by = "bob";
        wanted.ended_reason = "moved away";
        EXPECT_EQ(one->living(), std::vector<Lease>{line});
        EXPECT_EQ(one->count(lease::Kind::Exemption), 0U);
        EXPECT_EQ(one->count(lease::Kind::Penalty), 1U);
        EXPECT_EQ(one->all(10), (std::vector<Lease>{line, wanted}));
        EXPECT_EQ(one->add(sample("198.51.100.7/32")), 3) << "free again";
    }
}

TEST(LeaseStore, ForgetsOnlyThoseThatEnded) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    ASSERT_TRUE(store->leases().add(sample("198.51.100.7/32")));
    ASSERT_TRUE(store->leases().add(sample("198.51.100.8/32")));
    ASSERT_TRUE(store->leases().end(1, kNow, "bob", "moved away"));
    EXPECT_EQ(store->forget_leases_before(kNow), 0);
    EXPECT_EQ(store->forget_leases_before(kNow + 1ms), 1);
    EXPECT_EQ(store->leases().all(10)->size(), 1U);
}

}  // namespace
}  // namespace sekisho::store
