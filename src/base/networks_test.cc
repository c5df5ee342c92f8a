#include "base/networks.h"

#include "base/ip.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho {
namespace {

Networks of(const std::vector<const char*>& texts) {
    std::vector<Prefix> prefixes;
    for (const char* text : texts) {
        prefixes.push_back(*Prefix::parse(text));
    }
    return Networks(std::move(prefixes));
}

std::string found(const Networks& networks, const char* address) {
    const auto one = networks.find(*IpAddress::parse(address));
    return one ? one->text() : "";
}

TEST(Networks, TheOneThatHasTheAddress) {
    const Networks networks =
        of({"198.51.100.64/28", "198.51.100.0/25", "192.0.2.9", "2001:db8::/32", "0.0.0.0/8"});
    EXPECT_EQ(found(networks, "198.51.100.70"), "198.51.100.0/25");
    EXPECT_EQ(found(networks, "198.51.100.127"), "198.51.100.0/25");
    EXPECT_EQ(found(networks, "198.51.100.128"), "");
    EXPECT_EQ(found(networks, "192.0.2.9"), "192.0.2.9/32");
    EXPECT_EQ(found(networks, "192.0.2.10"), "");
    EXPECT_EQ(found(networks, "0.1.2.3"), "0.0.0.0/8");
    EXPECT_EQ(found(networks, "2001:db8:1::1"), "2001:db8::/32");
    EXPECT_EQ(found(networks, "2001:db9::1"), "");
    EXPECT_EQ(found(networks, "::1"), "");
}

TEST(Networks, NoneHasNothing) {
    EXPECT_TRUE(Networks{}.empty());
    EXPECT_FALSE(Networks{}.contains(*IpAddress::parse("192.0.2.1")));
    EXPECT_TRUE(of({"0.0.0.0/0"}).contains(*IpAddress::parse("255.255.255.255")));
    EXPECT_FALSE(of({"0.0.0.0/0"}).contains(*IpAddress::parse("2001:db8::1")));
}

}  // namespace
}  // namespace sekisho
