#include "line/ports.h"

#include <bitset>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <string>

namespace sekisho::line {
namespace {

PortSet ports(const char* text) {
    return *PortSet::parse(text);
}

TEST(PortSet, ReadsAndWrites) {
    for (const char* text :
         {"1024-2047", "5000", "1-65535", "psid 52/8 offset 4", "psid 0/6 offset 0"}) {
        EXPECT_EQ(ports(text).text(), text);
        EXPECT_EQ(*PortSet::unpack(ports(text).packed()), ports(text));
    }
    EXPECT_EQ(ports(" PSID 0x34/8  offset 4 ").text(), "psid 52/8 offset 4");
    for (const char* text :
         {"",
          "0-10",
          "10-1",
          "1-65536",
          "a-b",
          "1-2-3",
          "-5",
          "psid 256/8 offset 4",
          "psid 1/0 offset 4",
          "psid 1/13 offset 4",
          "psid 1/8",
          "psid 1 offset 4",
          "psid 1/8 offset",
          "psid 1/1 offset 16"}) {
        EXPECT_FALSE(PortSet::parse(text)) << text;
    }
    EXPECT_EQ(PortSet::unpack(0x0001).error().code, Errc::Corrupt);
    EXPECT_EQ(PortSet::unpack(0xffff'0001'0000'0000).error().code, Errc::Corrupt);
    EXPECT_TRUE(PortSet::unpack(0)->is_every());
}

// RFC 7597 §5.1: with an offset of 6, 4 bits of PSID and 6 bits more, PSID 3 has 1216-1279,
// 2240-2303, ... 64704-64767 (the table of appendix B counts them from 1024).
TEST(PortSet, HasThePortsOfAPsid) {
    const PortSet set = ports("psid 3/4 offset 6");
    int count = 0;
    for (std::uint32_t port = 0; port < 65536; ++port) {
        count += set.contains(static_cast<std::uint16_t>(port)) ? 1 : 0;
    }
    EXPECT_EQ(count, 63 * 64);
    for (const int port : {1216, 1279, 2240, 2303, 64704, 64767}) {
        EXPECT_TRUE(set.contains(static_cast<std::uint16_t>(port))) << port;
    }
    for (const int port : {192, 1215, 1280, 2239, 64768}) {
        EXPECT_FALSE(set.contains(static_cast<std::uint16_t>(port))) << port;
    }
}

TEST(PortSet, OverlapsWhereAPortIsInBoth) {
    const char* const texts[] = {
        "1024-2047",
        "2047-3000",
        "3001-4000",
        "100",
        "psid 3/4 offset 6",
        "psid 4/4 offset 6",
        "psid 1/2 offset 8",
        "psid 0/2 offset 0",
        "40000-65535"
    };
    std::map<std::string, std::bitset<65536>> members;
    for (const char* text : texts) {
        const PortSet set = ports(text);
        for (std::uint32_t port = 0; port < 65536; ++port) {
            members[text].set(port, set.contains(static_cast<std::uint16_t>(port)));
        }
    }
    for (const char* a : texts) {
        for (const char* b : texts) {
            EXPECT_EQ(ports(a).overlaps(ports(b)), (members[a] & members[b]).any())
                << a << " and " << b;
        }
    }
    EXPECT_TRUE(PortSet{}.overlaps(ports("100")));
}

TEST(PortSet, IsFoundByItsBlocks) {
    for (const char* text :
         {"1024-2047", "2000-2999", "5", "1-60000", "psid 3/4 offset 6", "65535"}) {
        const PortSet set = ports(text);
        const PortSet::Block block = set.block();
        for (std::uint32_t port = 0; port < 65536; ++port) {
            const auto one = static_cast<std::uint16_t>(port);
            const auto key = static_cast<std::uint16_t>(one & block.mask);
            if (set.contains(one)) {
                ASSERT_TRUE(key == block.first_key || key == block.last_key) << text << " " << port;
            }
        }
    }
}

}  // namespace
}  // namespace sekisho::line
