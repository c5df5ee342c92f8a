#include "policy/difference.h"

#include "base/ip.h"
#include "base/time.h"
#include "policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Time kNow{};

ClassSource group(const char* name, std::vector<const char*> prefixes) {
    ClassSource out{name, "", {}, ""};
    for (const char* text : prefixes) {
        out.prefixes.push_back(*Prefix::parse(text));
    }
    return out;
}

Source source() {
    Source out;
    out.classes = {
        group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"}),
        group("exchange", {"192.0.2.25"}),
    };
    RuleSource rule;
    rule.name = "op25b";
    rule.from = "subscribers";
    rule.to = "*";
    rule.action = Action::Refuse;
    rule.stage = Stage::Observe;
    out.rules = {rule};
    return out;
}

TEST(Difference, TheSamePolicyHasNone) {
    Source moved = source();
    moved.rules[0].origin = "other.toml:7";
    EXPECT_THAT(difference(source(), moved, kNow), IsEmpty());
}

TEST(Difference, AStageIsToldWithWhomItHits) {
    Source after = source();
    after.rules[0].stage = Stage::Enforce;
    EXPECT_THAT(
        difference(source(), after, kNow),
        ElementsAre(
            "~ rule \"op25b\": stage observe -> enforce",
            "to port 25 of every class: pass, reported -> refuse for 256 IPv4 addresses; "
            "198.51.100.0/24, 2001:db8:1::/48"
        )
    );
}

TEST(Difference, PrefixesThatMoveAreToldWithWhatTheyMeetNow) {
    Source before = source();
    before.rules[0].stage = Stage::Enforce;
    Source after = before;
    after.classes[0].prefixes = {
        *Prefix::parse("198.51.100.0/25"), *Prefix::parse("203.0.113.0/24")
    };
    after.classes[1] = group("exchange", {"192.0.2.25", "198.51.100.128/25"});
    EXPECT_THAT(
        difference(before, after, kNow),
        ElementsAre(
            "~ class \"exchange\": with 1 prefix: 198.51.100.128/25",
            "~ class \"subscribers\": without 2 prefixes: 198.51.100.0/24, 2001:db8:1::/48",
            "~ class \"subscribers\": with 2 prefixes: 198.51.100.0/25, 203.0.113.0/24",
            "to port 25 of every class: pass -> refuse for 256 IPv4 addresses; 203.0.113.0/24",
            "to port 25 of every class: refuse -> pass for 128 IPv4 addresses; 198.51.100.128/25, "
            "2001:db8:1::/48"
        )
    );
}

TEST(Difference, WhatComesAndGoesIsNamed) {
    Source after = source();
    after.classes.push_back(group("static", {"198.51.100.7"}));
    after.regions.push_back({"east", "", {*Prefix::parse("198.51.100.0/25")}, ""});
    RuleSource rule = after.rules[0];
    rule.name = "static";
    rule.from = "static";
    rule.action = Action::Pass;
    rule.stage = Stage::Enforce;
    after.rules.insert(after.rules.begin(), rule);
    Step step;
    step.at = *parse_rfc3339("2027-04-01");
    step.scope = {{"east"}, 10};
    after.rules[1].steps = {step};
    const auto lines = difference(source(), after, kNow);
    EXPECT_THAT(
        lines,
        ElementsAre(
            "+ class \"static\", 1 prefix",
            "+ region \"east\", 1 prefix",
            "+ rule \"op25b\": step enforce from 2027-04-01T00:00:00.000Z for region east: "
            "10 percent of the lines",
            "+ rule \"static\": static to *, pass, stage enforce",
            "to port 25 of every class: pass, reported -> pass for 1 IPv4 addresses; 198.51.100.7"
        )
    );
    EXPECT_THAT(difference(after, source(), kNow), testing::Contains(HasSubstr("- region")));
}

// Of many ranges a few are shown; the others are counted.
TEST(Difference, ManyAreCounted) {
    Source after = source();
    for (unsigned i = 0; i < 40; ++i) {
        after.classes[1].prefixes.emplace_back(IpAddress::v4(0xcb007100U + 2 * i), 32);
    }
    EXPECT_THAT(
        difference(source(), after, kNow),
        ElementsAre("~ class \"exchange\": with 40 prefixes: 203.0.113.0/32, 203.0.113.2/32, "
                    "203.0.113.4/32, 203.0.113.6/32, 203.0.113.8/32 and 35 more")
    );
}

}  // namespace
}  // namespace sekisho::policy
