#include "policy/stages.h"

#include "base/ip.h"
#include "base/time.h"
#include "policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace sekisho::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Time at(const char* text) {
    return *parse_rfc3339(text);
}
IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}
std::vector<Prefix> prefixes(std::vector<const char*> texts) {
    std::vector<Prefix> out;
    for (const char* text : texts) {
        out.push_back(*Prefix::parse(text));
    }
    return out;
}
Step step(const char* when, Stage stage, std::string to = "", Scope scope = {}) {
    return Step{at(when), stage, std::move(to), std::move(scope), ""};
}

// As Japan closed port 25: mobile carriers first, then everybody; here one region of ours before
// the other, and a tenth of its lines before the rest.
Source japan() {
    Source source;
    source.classes = {
        {"subscribers", "", prefixes({"198.51.100.0/24", "2001:db8:1::/48"}), ""},
        {"static", "", prefixes({"198.51.100.128/28"}), ""},
        {"mobile", "", prefixes({"203.0.113.0/24", "2001:db8:f::/48"}), ""},
    };
    source.regions = {
        {"east", "", prefixes({"198.51.100.0/25", "2001:db8:1::/49"}), ""},
        {"west", "", prefixes({"198.51.100.128/25", "2001:db8:1:8000::/49"}), ""},
    };
    RuleSource rule;
    rule.name = "op25b";
    rule.from = "subscribers";
    rule.to = "*";
    rule.action = Action::Refuse;
    rule.stage = Stage::Observe;
    rule.steps = {
        step("2027-01-01", Stage::Enforce, "mobile"),
        step("2027-02-01", Stage::Notify),
        step("2027-03-01", Stage::Enforce, "", {{"east"}, 10}),
        step("2027-04-01", Stage::Enforce, "", {{"east"}, 100}),
        step("2027-05-01", Stage::Enforce),
    };
    source.rules = {rule};
    return source;
}

constexpr const char* kEast = "198.51.100.7";
constexpr const char* kWest = "198.51.100.200";
constexpr const char* kMobile = "203.0.113.25";
constexpr const char* kOther = "192.0.2.1";

Verdict judged(const Policy& policy, const char* from, const char* to) {
    return policy.judge(ip(from), ip(to), Direction::ToPort25);
}

TEST(Stages, TheClockMovesEachPartOfARule) {
    const Source source = japan();
    struct Row {
        const char* when;
        const char* from;
        const char* to;
        Stage stage;
        const char* rule;
    };
    const std::vector<Row> rows{
        {"2026-12-31T23:59:59Z", kEast, kMobile, Stage::Observe, "op25b"},
        {"2027-01-01", kEast, kMobile, Stage::Enforce, "op25b.1"},
        {"2027-01-01", kEast, kOther, Stage::Observe, "op25b"},
        // About all of the rule, and later than the step about mobile carriers.
        {"2027-02-01", kEast, kMobile, Stage::Notify, "op25b"},
        {"2027-02-01", kWest, kOther, Stage::Notify, "op25b"},
        // Of an address alone nobody knows that it is in the share.
        {"2027-03-01", kEast, kOther, Stage::Notify, "op25b"},
        {"2027-04-01", kEast, kOther, Stage::Enforce, "op25b.4"},
        {"2027-04-01", "2001:db8:1::5", "2001:db8:f::1", Stage::Enforce, "op25b.4"},
        {"2027-04-01", "2001:db8:1:8000::5", "2001:db8:f::1", Stage::Notify, "op25b"},
        {"2027-04-01", kWest, kOther, Stage::Notify, "op25b"},
        {"2027-05-01", kWest, kOther, Stage::Enforce, "op25b"},
        {"2027-05-01", kEast, kOther, Stage::Enforce, "op25b"},
    };
    for (const Row& row : rows) {
        const auto policy = compile_at(source, at(row.when));
        ASSERT_TRUE(policy) << policy.error().message;
        const Verdict verdict = judged(**policy, row.from, row.to);
        ASSERT_GE(verdict.rule, 0);
        EXPECT_EQ(verdict.stage, row.stage) << row.when << " " << row.from << " " << row.to;
        EXPECT_EQ((*policy)->rules()[static_cast<std::size_t>(verdict.rule)].name, row.rule)
            << row.when << " " << row.from << " " << row.to;
    }
    // In a class of its own, in a region too: rules about others don't touch it.
    const auto late = compile_at(source, at("2027-04-01"));
    EXPECT_EQ(judged(**late, "198.51.100.130", kOther).rule, -1);
}

TEST(Stages, AShareIsAPartOfTheClassForTheLinesInIt) {
    const auto policy = compile_at(japan(), at("2027-03-01"));
    ASSERT_TRUE(policy);
    const ClassId whole = (*policy)->classify(ip(kEast));
    const ClassId in = (*policy)->part_of(whole, ip(kEast), 9);
    const ClassId out = (*policy)->part_of(whole, ip(kEast), 10);
    EXPECT_EQ((*policy)->classes()[in].name, "subscribers.east.first10");
    EXPECT_EQ((*policy)->written(in).name, "subscribers");
    EXPECT_EQ(out, whole);
    EXPECT_EQ((*policy)->cell(in, 0).stage, Stage::Enforce);
    EXPECT_EQ((*policy)->cell(out, 0).stage, Stage::Notify);
    // Lines of the west are in no share of the east's.
    const ClassId west = (*policy)->classify(ip(kWest));
    EXPECT_EQ((*policy)->cell((*policy)->part_of(west, ip(kWest), 3), 0).stage, Stage::Notify);
}

TEST(Stages, ALineIsInEveryLargerShareAndSharesHoldTheirPercent) {
    std::size_t tenth = 0;
    constexpr std::size_t kLines = 20'000;
    for (std::size_t i = 0; i < kLines; ++i) {
        const unsigned share = share_of("line-" + std::to_string(i));
        ASSERT_LT(share, 100U);
        tenth += share < 10 ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(tenth), kLines * 0.1, kLines * 0.01);
    // The same on every machine, at all times: lines must not change sides with an update.
    EXPECT_EQ(share_of("alice"), share_of("alice"));
    EXPECT_EQ(share_of("line-0"), 19U);
}

TEST(Stages, RegionsNestInPrefixesAndPrefixesInRegions) {
    Source source;
    source.classes = {
        {"subscribers", "", prefixes({"10.0.0.0/8", "10.1.2.0/24"}), ""},
        {"static", "", prefixes({"10.1.0.0/16"}), ""},
    };
    source.regions = {
        {"north", "", prefixes({"10.0.0.0/15", "172.16.0.0/12"}), ""},
        {"town", "", prefixes({"10.1.2.128/25", "10.9.0.0/16"}), ""},
    };
    RuleSource north;
    north.name = "north";
    north.from = north.to = "*";
    north.action = Action::Drop;
    north.scope.regions = {"north"};
    RuleSource town = north;
    town.name = "town";
    town.from = "subscribers";
    town.scope.regions = {"town"};
    source.rules = {north, town};
    const auto policy = Policy::compile(source);
    ASSERT_TRUE(policy) << policy.error().message;
    const auto class_of = [&](const char* address) {
        return (*policy)->classes()[(*policy)->classify(ip(address))].name;
    };
    EXPECT_EQ(class_of("10.200.0.1"), "subscribers");
    EXPECT_EQ(class_of("10.0.0.1"), "subscribers.north") << "a region wider than what is inside";
    EXPECT_EQ(class_of("10.1.0.1"), "static.north");
    EXPECT_EQ(class_of("10.1.2.1"), "subscribers.north");
    EXPECT_EQ(class_of("10.1.2.200"), "subscribers.town");
    EXPECT_EQ(class_of("10.9.9.9"), "subscribers.town") << "a region inside of a prefix";
    EXPECT_EQ(class_of("172.16.1.1"), "outside.north") << "where no class is named";
    EXPECT_EQ(class_of("192.0.2.1"), "outside");
    EXPECT_EQ((*policy)->written((*policy)->classify(ip("172.16.1.1"))).id, 0);
    EXPECT_EQ(judged(**policy, "172.16.1.1", "192.0.2.1").action, Action::Drop);
    EXPECT_EQ(judged(**policy, "192.0.2.1", "172.16.1.1").rule, -1) << "it is about who connects";
    EXPECT_EQ(judged(**policy, "10.9.9.9", "192.0.2.1").action, Action::Drop);
}

// The parts of a class are what its prefixes and the region's say, address by address.
TEST(Stages, ARandomPolicyIsSplitAsEachAddressAloneWouldBe) {
    std::mt19937 random(7);  // NOLINT(*-msc51-cpp): the same cases each time
    const auto number = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
    for (int round = 0; round < 40; ++round) {
        Source source;
        std::vector<std::pair<Prefix, std::string>> region_of, class_of;
        const auto draw = [&](auto& list, const std::string& name) {
            list.push_back({name, "", {}, ""});
            for (int i = 0; i < 6; ++i) {
                const Prefix prefix{
                    IpAddress::v4(0x0a000000U | number(256)), 24 + static_cast<int>(number(9))
                };
                const auto same = [&](const auto& one) { return one.first == prefix; };
                auto& seen = name[0] == 'r' ? region_of : class_of;
                if (std::none_of(seen.begin(), seen.end(), same)) {
                    seen.emplace_back(prefix, name);
                    list.back().prefixes.push_back(prefix);
                }
            }
        };
        for (const char* name : {"ca", "cb", "cc"}) {
            draw(source.classes, name);
        }
        for (const char* name : {"ra", "rb", "rc"}) {
            draw(source.regions, name);
        }
        RuleSource rule;
        rule.name = "one";
        rule.from = number(2) == 0 ? "*" : "ca";
        rule.to = "*";
        rule.scope.regions = {"ra", "rb"};
        source.rules = {rule};
        const auto policy = Policy::compile(source);
        ASSERT_TRUE(policy) << policy.error().message;
        const auto longest = [](const auto& all, const IpAddress& address) {
            const std::pair<Prefix, std::string>* best = nullptr;
            for (const auto& one : all) {
                if (one.first.contains(address) &&
                    (best == nullptr || one.first.length() > best->first.length())) {
                    best = &one;
                }
            }
            return best == nullptr ? std::string() : best->second;
        };
        for (unsigned low = 0; low < 256; ++low) {
            const IpAddress address = IpAddress::v4(0x0a000000U | low);
            const Class& got = (*policy)->classes()[(*policy)->classify(address)];
            const std::string base = longest(class_of, address);
            std::string region = longest(region_of, address);
            const bool asked = rule.from == "*" || rule.from == base;
            region = asked && region != "rc" ? region : "";
            EXPECT_EQ((*policy)->written(got.id).name, base.empty() ? "outside" : base);
            EXPECT_EQ(got.region, region) << round << " " << address.text();
            EXPECT_EQ((*policy)->cell(got.id, 0).rule, asked && !region.empty() ? 0 : -1);
        }
    }
}

std::vector<std::string> shown(const Source& source, const char* when) {
    std::vector<std::string> out;
    for (const Planned& one : planned(source, at(when))) {
        out.push_back(
            one.rule + (one.state == Planned::State::Now      ? " now"
                        : one.state == Planned::State::Coming ? " coming"
                                                              : " past")
        );
    }
    return out;
}

TEST(Stages, ThePlanSaysWhatIsInForceAndWhatIsToCome) {
    const Source source = japan();
    EXPECT_THAT(
        shown(source, "2027-01-15"),
        ElementsAre(
            "op25b now",
            "op25b.1 now",
            "op25b.2 coming",
            "op25b.3 coming",
            "op25b.4 coming",
            "op25b.5 coming"
        )
    );
    EXPECT_THAT(
        shown(source, "2027-04-02"),
        ElementsAre(
            "op25b past",
            "op25b.1 past",
            "op25b.2 now",
            "op25b.3 past",
            "op25b.4 now",
            "op25b.5 coming"
        )
    );
    EXPECT_EQ(next_step(source, at("2027-03-01")), at("2027-04-01"));
    EXPECT_EQ(next_step(source, at("2027-06-01")), std::nullopt);
}

TEST(Stages, AStagedPolicyFollowsTheClockBothWays) {
    auto staged = Staged::start(std::make_shared<const Source>(japan()), at("2027-04-30"));
    ASSERT_TRUE(staged);
    EXPECT_EQ(judged(*staged->policy(), kWest, kOther).stage, Stage::Notify);
    EXPECT_EQ(*staged->follow(at("2027-04-30T12:00:00Z")), nullptr);
    const auto stepped = staged->follow(at("2027-05-01"));
    ASSERT_TRUE(stepped && *stepped);
    EXPECT_EQ(judged(**stepped, kWest, kOther).stage, Stage::Enforce);
    ASSERT_TRUE(*staged->follow(at("2026-01-01")));
    EXPECT_EQ(judged(*staged->policy(), kWest, kOther).stage, Stage::Observe);
}

TEST(Stages, BadSourcesAreRefusedWithTheirPlace) {
    const auto error = [](auto change) {
        Source source = japan();
        change(source);
        const Status checked = check_all(source);
        return checked ? std::string() : checked.error().message;
    };
    EXPECT_EQ(error([](Source&) {}), "");
    EXPECT_THAT(
        error([](Source& s) { s.rules[0].steps[0].to = "moblie"; }),
        HasSubstr("class \"moblie\", which is not declared")
    );
    EXPECT_THAT(
        error([](Source& s) { s.rules[0].steps[2].scope.regions = {"nowhere"}; }),
        HasSubstr("region \"nowhere\", which is not declared")
    );
    EXPECT_THAT(
        error([](Source& s) { s.rules[0].steps[2].at = at("2026-01-01"); }),
        HasSubstr("write them in order")
    );
    EXPECT_THAT(
        error([](Source& s) { s.rules[0].to = "static"; }), HasSubstr("can't be about those to")
    );
    EXPECT_THAT(
        error([](Source& s) { s.regions[1].prefixes = s.regions[0].prefixes; }),
        HasSubstr("an address belongs to one region")
    );
    EXPECT_THAT(
        error([](Source& s) { s.regions[1].name = "east"; }), HasSubstr("is declared already")
    );
    EXPECT_THAT(
        error([](Source& s) { s.rules[0].scope.share = 0; }), HasSubstr("1 to 100 percent")
    );
    // Only when that step has come, but it is told now.
    EXPECT_THAT(
        error([](Source& s) { s.classes.push_back({"subscribers.east", "", {}, ""}); }),
        AllOf(HasSubstr("from 2027-03-01"), HasSubstr("\"subscribers.east\""))
    );
    EXPECT_THAT(
        error([](Source& s) {
            for (int i = 0; i < 60; ++i) {
                s.classes.push_back({"c" + std::to_string(i), "", {}, ""});
            }
            s.rules[0].from = "*";
        }),
        HasSubstr("part the classes into more than 64")
    );
}

}  // namespace
}  // namespace sekisho::policy
