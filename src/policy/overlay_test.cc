#include "policy/overlay.h"

#include "base/ip.h"
#include "base/result.h"
#include "policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

Prefix prefix(const std::string& text) {
    return *Prefix::parse(text);
}
IpAddress ip(const std::string& text) {
    return *IpAddress::parse(text);
}

std::shared_ptr<const Policy> base() {
    Source source;
    source.classes = {
        {"subscribers", "", {prefix("198.51.100.0/24"), prefix("2001:db8:100::/40")}, "t:1"},
        {"static", "", {prefix("198.51.100.64/26"), prefix("198.51.100.65/32")}, "t:2"},
    };
    source.rules = {
        {"static-may", "static", "*", Action::Pass, Stage::Enforce, "", "t:3", {}},
        {"op25b", "subscribers", "*", Action::Refuse, Stage::Enforce, "", "t:4", {}},
    };
    return *Policy::compile(source);
}
constexpr ClassId kSubscribers = 1, kStatic = 2;

TEST(Overlay, AnOverrideWinsOverWhatThePolicySaysInsideIt) {
    const auto policy = with_overrides(
        base(), {{prefix("198.51.100.7/32"), kStatic, {}}, {prefix("198.51.100.64/28"), 0, {}}}
    );
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ((*policy)->classify(ip("198.51.100.7")), kStatic);
    EXPECT_EQ((*policy)->classify(ip("198.51.100.8")), kSubscribers);
    EXPECT_EQ((*policy)->classify(ip("198.51.100.65")), 0) << "longer in the policy, yet inside";
    EXPECT_EQ((*policy)->classify(ip("198.51.100.81")), kStatic);
    EXPECT_EQ((*policy)->matched(ip("198.51.100.7")), prefix("198.51.100.7/32"));
    const Verdict verdict =
        (*policy)->judge(ip("198.51.100.7"), ip("203.0.113.1"), Direction::ToPort25);
    EXPECT_EQ(verdict.action, Action::Pass);
    EXPECT_EQ((*policy)->rules().at(static_cast<std::size_t>(verdict.rule)).name, "static-may");
}

TEST(Overlay, TheLongestOfSeveralDecides) {
    const auto policy = with_overrides(
        base(),
        {{prefix("2001:db8:100::/48"), kStatic, {}},
         {prefix("2001:db8:100:1::/64"), 0, {}},
         {prefix("2001:db8:100:1::25/128"), kStatic, {}}}
    );
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ((*policy)->classify(ip("2001:db8:100:2::1")), kStatic);
    EXPECT_EQ((*policy)->classify(ip("2001:db8:100:1::1")), 0);
    EXPECT_EQ((*policy)->classify(ip("2001:db8:100:1::25")), kStatic);
    EXPECT_EQ((*policy)->classify(ip("2001:db8:101::1")), kSubscribers);
}

// An engine that knows no overrides is given prefixes(): they must say the same.
TEST(Overlay, ItsPrefixesDecideAsItDoes) {
    std::mt19937 random(25);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
    for (int round = 0; round < 50; ++round) {
        std::vector<Override> overrides;
        for (int i = 0; i < 20; ++i) {
            const Prefix one{
                IpAddress::v4(0xc6336400U + (random() & 0x1ffU)), 24 + int(random() % 9)
            };
            const auto same = [&](const Override& other) { return other.prefix == one; };
            if (std::none_of(overrides.begin(), overrides.end(), same)) {
                overrides.push_back({one, static_cast<ClassId>(random() % 3), {}});
            }
        }
        const auto policy = with_overrides(base(), overrides);
        ASSERT_TRUE(policy);
        Source source;
        source.classes = {
            {"subscribers", "", {}, ""}, {"static", "", {}, ""}, {"none", "", {}, ""}
        };
        for (const auto& [one, id] : (*policy)->prefixes()) {
            source.classes[id == 0 ? 2U : id - 1U].prefixes.push_back(one);
        }
        const auto merged = Policy::compile(source);
        ASSERT_TRUE(merged) << merged.error().message;
        for (std::uint32_t i = 0; i < 0x200; ++i) {
            const IpAddress address = IpAddress::v4(0xc6336400U + i);
            const ClassId id = (*merged)->classify(address);
            ASSERT_EQ((*policy)->classify(address), id == 3 ? 0 : id) << address.text();
        }
    }
}

TEST(Overlay, WithoutOverridesThePolicyIsItself) {
    const auto policy = base();
    EXPECT_EQ(*with_overrides(policy, {}), policy);
    EXPECT_NE(
        (*with_overrides(policy, {{prefix("198.51.100.7/32"), kStatic, {}}}))->digest(),
        policy->digest()
    );
}

TEST(Overlay, RefusesWhatCannotBe) {
    const auto refused = [](std::vector<Override> overrides) {
        const auto policy = with_overrides(base(), overrides);
        return policy ? std::string("taken") : policy.error().message;
    };
    EXPECT_THAT(refused({{prefix("10.0.0.0/8"), 1, {}}}), HasSubstr("too wide"));
    EXPECT_THAT(refused({{prefix("2001:db8::/96"), 1, {}}}), HasSubstr("/32 to /64"));
    EXPECT_THAT(refused({{prefix("10.0.0.1/32"), 9, {}}}), HasSubstr("a class that there isn't"));
    EXPECT_THAT(
        refused({{prefix("10.0.0.1/32"), 1, {}}, {prefix("10.0.0.1/32"), 2, {}}}),
        HasSubstr("overridden twice")
    );
}

}  // namespace
}  // namespace sekisho::policy
