#include "limit/spec.h"

#include "base/ip.h"
#include "base/time.h"
#include "limit/acquaintances.h"
#include "limit/countries.h"
#include "limit/limiter.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::limit {
namespace {

using std::chrono::hours;

const Instant kStart = *parse_rfc3339("2026-11-24T13:53:24Z");

Spec spec(std::string name, std::vector<By> by, Counts counts = Counts::Recipients) {
    Spec out;
    out.name = std::move(name);
    out.by = std::move(by);
    out.counts = counts;
    out.how = Rate{.count = 2};
    return out;
}

Facts taro() {
    Facts out;
    out.account = "taro@example.net";
    out.line = "L1";
    out.sender = "Taro@Example.net";
    out.recipient = "a@X.example";
    out.network_class = "subscribers";
    out.address = *IpAddress::parse("198.51.100.7");
    out.where = Where::Home;
    return out;
}

std::vector<std::string> keys(const std::vector<Spec>& specs, const Facts& facts) {
    std::vector<std::string> out;
    for (const Taking& one : takings(specs, Counts::Recipients, facts, 1)) {
        out.push_back(one.limit + " " + one.key);
    }
    return out;
}

TEST(Spec, KeysAreMadeOfWhatIsKnown) {
    const std::vector<Spec> specs{
        spec("a", {By::Account}),
        spec("b", {By::Line, By::Domain}),
        spec("c", {By::Address}),
        spec("d", {By::Prefix}),
        spec("e", {By::Sender}),
        spec("f", {By::SenderDomain, By::Class}),
        spec("g", {By::Account}, Counts::Messages),
    };
    const std::vector<std::string> all{
        "a taro@example.net",
        "b L1|x.example",
        "c 198.51.100.7/32",
        "d 198.51.100.0/24",
        "e taro@example.net",
        "f example.net|subscribers",
    };
    EXPECT_EQ(keys(specs, taro()), all);
    Facts stranger;
    stranger.address = *IpAddress::parse("2001:db8:1:2:3::4");
    const std::vector<std::string> two{"c 2001:db8:1:2::/64", "d 2001:db8:1::/48"};
    EXPECT_EQ(keys(specs, stranger), two) << "what isn't known takes nothing";
}

TEST(Spec, OnlyWhereItHolds) {
    Spec abroad = spec("abroad", {By::Account});
    abroad.where = Where::Abroad;
    Spec exchange = spec("exchange", {By::Address});
    exchange.service = Service::Exchange;
    const std::vector<Spec> specs{abroad, exchange};
    EXPECT_TRUE(keys(specs, taro()).empty());
    Facts facts = taro();
    facts.where = Where::Abroad;
    EXPECT_EQ(keys(specs, facts), std::vector<std::string>{"abroad taro@example.net"});
    facts.service = Service::Exchange;
    EXPECT_EQ(keys(specs, facts).size(), 2U - 1U);
    EXPECT_TRUE(takings(specs, Counts::Recipients, facts, 0).empty());
}

TEST(Spec, WhatCantHoldIsRefused) {
    EXPECT_TRUE(check(spec("a", {By::Account})));
    EXPECT_FALSE(check(spec("a", {})));
    EXPECT_FALSE(check(spec("a", {By::Account, By::Account})));
    EXPECT_EQ(
        check(spec("a", {By::Account}, Counts::Connections)).error().message,
        "connections can't be counted by account, which isn't known then"
    );
    EXPECT_FALSE(check(spec("a", {By::Domain}, Counts::Bytes)));
    Spec rate = spec("a", {By::Line});
    rate.how = Rate{.count = 0};
    EXPECT_FALSE(check(rate));
    Spec strangers = spec("a", {By::Account}, Counts::NewRecipients);
    strangers.service = Service::Exchange;
    EXPECT_FALSE(check(strangers));
}

TEST(Spec, AKeyIsAboutItsParts) {
    EXPECT_TRUE(is_about("taro@example.net", "Taro@example.net"));
    EXPECT_TRUE(is_about("L1|x.example", "x.example"));
    EXPECT_TRUE(is_about("198.51.100.0/24|subscribers", "198.51.100.9"));
    EXPECT_FALSE(is_about("198.51.100.0/24", "198.51.101.9"));
    EXPECT_FALSE(is_about("taro@example.net", "example.net"));
}

TEST(Limiter, ShadowTellsAndRefusesNobody) {
    Spec real = spec("real", {By::Account});
    real.how = Rate{.count = 3};
    Spec shadow = spec("shadow", {By::Account});
    shadow.shadow = true;
    const std::vector<Spec> specs{real, shadow};
    const auto limiter = *Limiter::make(limits_of(specs), {});
    const auto take = [&](std::vector<Refusal>* shadowed) {
        const auto all = takings(specs, Counts::Recipients, taro(), 1);
        return limiter->take(wants(all), kStart, shadowed).has_value();
    };
    std::vector<Refusal> shadowed;
    EXPECT_TRUE(take(&shadowed));
    EXPECT_TRUE(take(&shadowed));
    EXPECT_TRUE(shadowed.empty());
    EXPECT_TRUE(take(&shadowed));
    ASSERT_EQ(shadowed.size(), 1U);
    EXPECT_EQ(shadowed[0].limit, "shadow");
    EXPECT_EQ(shadowed[0].used, 2);
    EXPECT_FALSE(take(&shadowed)) << "the real one refuses";
    EXPECT_EQ(limiter->counters()[0].refused, 1U);
    EXPECT_EQ(limiter->counters()[1].refused, 0U);
    EXPECT_EQ(limiter->counters()[1].would_refuse, 2U);
}

TEST(Limiter, ChangesComeBackAfterARestart) {
    Spec day = spec("day", {By::Line});
    day.how = Day{.max = 10};
    const std::vector<Spec> specs{spec("hour", {By::Account}), day};
    const auto before = *Limiter::make(limits_of(specs), {});
    const auto all = takings(specs, Counts::Recipients, taro(), 2);
    ASSERT_TRUE(before->take(wants(all), kStart));
    std::vector<State> states = before->changes(1, kStart);
    ASSERT_EQ(states.size(), 1U);
    for (State& state : before->changes(100, kStart)) {
        states.push_back(std::move(state));
    }
    EXPECT_EQ(states.size(), 2U);
    EXPECT_TRUE(before->changes(100, kStart).empty());
    const auto after = *Limiter::make(limits_of(specs), {});
    after->restore(states, kStart);
    EXPECT_FALSE(after->take(wants(all), kStart)) << "the hour is used up";
    EXPECT_EQ(after->explain("L1", kStart).at(0).used, 2);
    EXPECT_TRUE(after->changes(100, kStart).empty());

    const auto about = [](std::string_view, std::string_view key) {
        return is_about(key, "taro@example.net");
    };
    EXPECT_EQ(after->uses(about, kStart).size(), 1U);
    EXPECT_EQ(after->forget_if(about), 1U);
    EXPECT_TRUE(after->uses(about, kStart).empty());
    const auto gone = after->changes(100, kStart);
    ASSERT_EQ(gone.size(), 1U);
    EXPECT_EQ(gone[0].recovered_at, Instant{}) << "to be forgotten where it is kept";
}

TEST(Acquaintances, AreKnownForATimeAndBounded) {
    Acquaintances all(2);
    EXPECT_FALSE(all.knows("taro", "a@x", kStart));
    all.met("taro", "A@x", kStart);
    EXPECT_TRUE(all.knows("Taro", "a@x", kStart));
    EXPECT_FALSE(all.knows("hanako", "a@x", kStart));
    EXPECT_FALSE(all.knows("taro", "a@x", kStart + Acquaintances::kKnownFor));
    EXPECT_EQ(all.changes(10).size(), 1U);
    all.met("taro", "a@x", kStart + hours{1});
    EXPECT_TRUE(all.changes(10).empty()) << "once a day is enough";
    all.met("taro", "b@x", kStart + hours{2});
    all.met("taro", "c@x", kStart + hours{3});
    EXPECT_EQ(all.size(), 2U);
    EXPECT_FALSE(all.knows("taro", "a@x", kStart + hours{3})) << "the longest unused went";
    Acquaintances again(10);
    again.restore(all.changes(10));
    EXPECT_TRUE(again.knows("taro", "b@x", kStart + hours{4}));
}

TEST(Countries, TheLongestPrefixTells) {
    const auto table =
        Countries::parse("# rows\n192.0.2.0/24,jp\n192.0.2.128/25, US\n2001:db8::/32,DE # x\n");
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_EQ(table->of(*IpAddress::parse("192.0.2.1")), "JP");
    EXPECT_EQ(table->of(*IpAddress::parse("192.0.2.200")), "US");
    EXPECT_EQ(table->of(*IpAddress::parse("2001:db8::1")), "DE");
    EXPECT_EQ(table->of(*IpAddress::parse("198.51.100.1")), "");
    EXPECT_EQ(table->size(), 3U);
    EXPECT_EQ(
        Countries::parse("192.0.2.0/24,JP\n192.0.2.0/24,Japan").error().message,
        "row 2: expected PREFIX,CC, such as 192.0.2.0/24,JP"
    );
    EXPECT_FALSE(Countries::parse("192.0.2.1/24,JP"));
    EXPECT_FALSE(Countries::parse("192.0.2.0/24"));
}

}  // namespace
}  // namespace sekisho::limit
