#include "limit/connections.h"

#include "base/ip.h"

#include <gtest/gtest.h>
#include <utility>

namespace sekisho::limit {
namespace {

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

TEST(ConnectionsTest, LimitsInAllAndForEachClient) {
    Connections table;
    {
        auto a = table.enter(ip("192.0.2.1"), 3, 2);
        auto b = table.enter(ip("192.0.2.1"), 3, 2);
        EXPECT_TRUE(a && b);
        EXPECT_FALSE(table.enter(ip("192.0.2.1"), 3, 2));
        auto c = table.enter(ip("192.0.2.2"), 3, 2);
        EXPECT_TRUE(c);
        EXPECT_FALSE(table.enter(ip("192.0.2.3"), 3, 2));
        a = {};
        EXPECT_EQ(table.total(), 2U);
        auto d = std::move(b);
        EXPECT_EQ(table.total(), 2U);
        EXPECT_TRUE(table.enter(ip("192.0.2.1"), 3, 2));
    }
    EXPECT_EQ(table.total(), 0U);
    auto v6 = table.enter(ip("2001:db8::1"), 9, 1);
    EXPECT_TRUE(v6);
    EXPECT_FALSE(table.enter(ip("2001:db8::2"), 9, 1)) << "one /64 is one client";
    EXPECT_TRUE(table.enter(ip("2001:db8:0:1::1"), 9, 1));
    EXPECT_FALSE(table.enter(ip("192.0.2.9"), 9, 0));
}

}  // namespace
}  // namespace sekisho::limit
