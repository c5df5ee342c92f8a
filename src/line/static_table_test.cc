#include "line/static_table.h"

#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"

#include <gtest/gtest.h>

namespace sekisho::line {
namespace {

TEST(StaticTable, ReadsRows) {
    const auto table = parse_static_table(
        "\xef\xbb\xbfprefix,line,realm\r\n"
        "# the office\r\n"
        "203.0.113.8/29, office ,Example.NET\r\n"
        "\r\n"
        "\"2001:db8:1::/48\",\"o,1\"\r\n"
        "192.0.2.1,u1"
    );
    EXPECT_TRUE(table.errors.empty());
    ASSERT_EQ(table.sessions.size(), 3U);
    EXPECT_EQ(table.sessions[0].line, "office");
    EXPECT_EQ(table.sessions[0].realm, "example.net");
    EXPECT_EQ(table.sessions[1].line, "o,1");
    EXPECT_EQ(table.sessions[2].prefixes[0].text(), Prefix::parse("192.0.2.1")->text());
    const auto answer =
        resolve(table.sessions, *IpAddress::parse("203.0.113.10"), Time{Duration{1}});
    EXPECT_EQ(answer.line, "office");
}

TEST(StaticTable, MappedPrefixesDoNotStopIt) {
    for (const char* row :
         {"::ffff:192.0.2.0/64,u1",
          "::ffff:192.0.2.0/96,u1",
          "::ffff:192.0.2.0/120,u1",
          "::ffff:192.0.2.1/128,u1"}) {
        const auto table = parse_static_table(row);
        EXPECT_EQ(table.sessions.size() + table.errors.size(), 1U) << row;
    }
}

TEST(StaticTable, EveryWrongRowIsNamed) {
    const auto table = parse_static_table(
        "192.0.2.1/24,u1\n"
        "192.0.2.1,u1\n"
        "192.0.2.1,u2\n"
        "192.0.2.1,u1\n"
        "nonsense\n"
        "192.0.2.2,\n"
        "192.0.2.3,\"u3\n"
        "192.0.2.4,u4,r,x\n"
        "prefix,line\n"
        "192.0.2.5,a\tb\x01\n"
    );
    ASSERT_EQ(table.sessions.size(), 1U);
    std::vector<std::size_t> rows;
    for (const auto& error : table.errors) {
        rows.push_back(error.row);
    }
    EXPECT_EQ(rows, (std::vector<std::size_t>{1, 3, 5, 6, 7, 8, 9, 10}));
    EXPECT_NE(table.errors[0].message.find("192.0.2.0/24"), std::string::npos);
    EXPECT_NE(table.errors[1].message.find("row 2"), std::string::npos);
}

TEST(StaticTable, SharedAddresses) {
    const auto table = parse_static_table(
        "prefix,line,realm,ports\n"
        "192.0.2.1,u1,,1024-2047\n"
        "192.0.2.1,u2,,2048-3071\n"
        "192.0.2.1,u2,,2048-3071\n"
        "192.0.2.1,u2,,3072-4095\n"
        "192.0.2.1,u3,example.net,psid 52/8 offset 4\n"
        "192.0.2.1,u4,,2000-2100\n"
        "192.0.2.1,u4\n"
        "2001:db8::/56,u1,,1024-2047\n"
        "192.0.2.2,u1,,ports\n",
        "static:t"
    );
    ASSERT_EQ(table.sessions.size(), 4U);
    EXPECT_EQ(table.sessions[0].id, "192.0.2.1/32 ports 1024-2047");
    EXPECT_EQ(table.sessions[0].nas, "static:t");
    EXPECT_EQ(table.sessions[3].ports.text(), "psid 52/8 offset 4");
    ASSERT_EQ(table.errors.size(), 4U);
    EXPECT_EQ(table.errors[0].row, 7U);
    EXPECT_NE(
        table.errors[0].message.find("belongs to line u1 already, by row 2"), std::string::npos
    );
    EXPECT_EQ(table.errors[1].row, 8U);
    EXPECT_NE(table.errors[2].message.find("only IPv4"), std::string::npos);
    EXPECT_NE(table.errors[3].message.find("no set of ports"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::line
