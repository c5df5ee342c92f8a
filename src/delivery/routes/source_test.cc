#include "delivery/routes/source.h"

#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sekisho::delivery {
namespace {

SourcePool pool(const std::string& name, const std::vector<std::string>& addresses) {
    SourcePool made;
    made.name = name;
    for (const std::string& one : addresses) {
        made.addresses.push_back(*parse_source_address(one));
    }
    return made;
}

TEST(SourceTest, AddressesWithNamesOrWithout) {
    const auto plain = parse_source_address("192.0.2.10");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->helo, "");
    const auto named = parse_source_address("2001:db8::10  out.example.net");
    ASSERT_TRUE(named);
    EXPECT_EQ(named->address.text(), "2001:db8::10");
    EXPECT_EQ(named->helo, "out.example.net");
    for (const char* text : {"", "out.example.net", "192.0.2.1 exa mple", "192.0.2.1 -", "1.2.3"}) {
        EXPECT_FALSE(parse_source_address(text)) << text;
    }
}

TEST(SourceTest, WhatIsWrongIsNamed) {
    SourcePool good = pool("g", {"192.0.2.1", "192.0.2.2"});
    EXPECT_EQ(check_source(good).value_or(""), "");
    SourcePool bad = pool("b", {});
    EXPECT_EQ(check_source(bad).value_or(""), "addresses: is missing");
    bad = pool("b", {"192.0.2.1", "192.0.2.1 a.example"});
    EXPECT_TRUE(check_source(bad).value_or("").contains("there twice"));
    bad = good;
    bad.grades = {"slow"};
    EXPECT_TRUE(check_source(bad).value_or("").starts_with("grades:"));
    bad = good;
    bad.domains = {"exa mple"};
    EXPECT_TRUE(check_source(bad).value_or("").starts_with("domains:"));
    EXPECT_FALSE(parse_spread("random"));
}

TEST(SourceTest, TheFirstThatFitsOrTheOneThatTheRouteNames) {
    std::vector<SourcePool> pools{
        pool("routes", {"192.0.2.1"}), pool("news", {"192.0.2.2"}), pool("bulk", {"192.0.2.3"})
    };
    pools[1].senders = {"news.example"};
    pools[2].grades = {"bulk"};
    const auto chosen = [&](const std::string& sender,
                            const std::string& grade,
                            const std::string& named = "") {
        const SourcePool* const found = source_for(pools, named, {"x.example", sender, ""}, grade);
        return found == nullptr ? "" : found->name;
    };
    EXPECT_EQ(chosen("a@news.example", "bulk"), "news");
    EXPECT_EQ(chosen("a@other.example", "bulk"), "bulk");
    EXPECT_EQ(chosen("a@other.example", "interactive"), "") << "routes is for routes";
    EXPECT_EQ(chosen("a@news.example", "bulk", "routes"), "routes");
}

TEST(SourceTest, AFamilyWithoutAnAddressHasNone) {
    const Source source = pick(pool("p", {"192.0.2.1"}), {"x.example", "", ""}, 0);
    EXPECT_TRUE(source.v4);
    EXPECT_FALSE(source.v6);
    EXPECT_FALSE(source.of(*IpAddress::parse("2001:db8::1")));
}

TEST(SourceTest, ConnectionsTakeTurns) {
    SourcePool turns = pool("p", {"192.0.2.1", "2001:db8::1", "192.0.2.2"});
    turns.spread = SourcePool::Spread::RoundRobin;
    std::string order;
    for (std::uint64_t turn = 0; turn < 4; ++turn) {
        const Source source = pick(turns, {"x.example", "", "taro"}, turn);
        order += source.v4->address.text().back();
        EXPECT_EQ(source.v6->address.text(), "2001:db8::1");
    }
    EXPECT_EQ(order, "1212");
}

TEST(SourceTest, AnAccountKeepsItsAddressAndOnlyThoseOfTheNewOneMove) {
    const SourcePool three = pool("p", {"192.0.2.1", "192.0.2.2", "192.0.2.3"});
    const SourcePool four = pool("p", {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"});
    std::map<std::string, int> share;
    int moved = 0;
    for (int i = 0; i < 1000; ++i) {
        const RouteQuestion who{"x.example", "", "user" + std::to_string(i) + "@example.net"};
        const std::string before = pick(three, who, 0).v4->address.text();
        const std::string after = pick(four, who, 7).v4->address.text();
        ++share[before];
        moved += before == after ? 0 : 1;
        EXPECT_TRUE(before == after || after == "192.0.2.4");
    }
    EXPECT_EQ(share.size(), 3U);
    for (const auto& [address, count] : share) {
        EXPECT_GT(count, 250) << address;
    }
    EXPECT_GT(moved, 180);
    EXPECT_LT(moved, 320);
    const auto of = [&](const RouteQuestion& who) { return pick(three, who, 0).v4->address; };
    EXPECT_EQ(of({"a.example", "x@One.example", ""}), of({"b.example", "y@one.example", ""}))
        << "without an account the sender's domain counts";
}

}  // namespace
}  // namespace sekisho::delivery
