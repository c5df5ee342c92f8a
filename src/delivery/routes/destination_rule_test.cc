#include "delivery/routes/destination_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::delivery {
namespace {

DestinationRule rule(
    const char* name, std::vector<std::string> domains, std::vector<std::string> hosts
) {
    DestinationRule out;
    out.name = name;
    out.domains = std::move(domains);
    out.hosts = std::move(hosts);
    EXPECT_FALSE(check_destination(out)) << name;
    return out;
}

std::string found(const std::vector<DestinationRule>& rules, const char* domain, const char* host) {
    const DestinationRule* const one = destination_for(rules, domain, host);
    return one == nullptr ? "" : one->name;
}

TEST(DestinationRule, TheFirstThatFitsCounts) {
    const std::vector<DestinationRule> rules{
        rule("portal", {"portal.example"}, {}),
        rule("hosted", {}, {".Protection.Example"}),
        rule("both", {".ac.example"}, {"mx.uni.example"}),
        rule("rest", {"*"}, {}),
    };
    EXPECT_EQ(found(rules, "portal.example", "mx.portal.example"), "portal");
    EXPECT_EQ(found(rules, "firm.example", "firm.mail.PROTECTION.example"), "hosted");
    EXPECT_EQ(found(rules, "a.ac.example", "mx.uni.example"), "both");
    EXPECT_EQ(found(rules, "a.ac.example", "mx.other.example"), "rest");
    EXPECT_EQ(found(rules, "x.example", ""), "rest");
    EXPECT_EQ(found({rules.at(1)}, "x.example", ""), "") << "its host isn't known";
}

TEST(DestinationRule, SaysWhatIsWrong) {
    DestinationRule none;
    EXPECT_EQ(check_destination(none), "needs domains or hosts");
    DestinationRule bad;
    bad.hosts = {"mx .example"};
    EXPECT_THAT(check_destination(bad).value_or(""), testing::StartsWith("hosts: \"mx .example\""));
    bad.hosts.clear();
    bad.domains = {"@example"};
    EXPECT_THAT(check_destination(bad).value_or(""), testing::StartsWith("domains: \"@example\""));
}

}  // namespace
}  // namespace sekisho::delivery
