#include "peer/greylist.h"

#include "base/ip.h"
#include "base/time.h"

#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <string>

namespace sekisho::peer {
namespace {

using namespace std::chrono_literals;

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

// The decision with a memory.
struct Memory {
    std::map<std::string, GreylistEntry> kept;
    Time now{1'000h};

    std::optional<GreylistEntry> find(const std::string& key) const {
        const auto at = kept.find(key);
        return at == kept.end() ? std::nullopt : std::optional(at->second);
    }
    GreylistDecision try_mail(
        const char* client, const char* spf, const char* sender = "a@example.org"
    ) {
        const GreylistKeys keys = greylist_keys(ip(client), spf, sender, "example.net");
        GreylistDecision decision = greylist(find(keys.source), find(keys.mail), now);
        if (decision.source) {
            kept[keys.source] = *decision.source;
        }
        if (decision.mail) {
            kept[keys.mail] = *decision.mail;
        }
        return decision;
    }
};

TEST(Greylist, TheSameMailPassesAfterTheDelay) {
    Memory memory;
    EXPECT_FALSE(memory.try_mail("192.0.2.1", "").pass);
    memory.now += 2min;
    const GreylistDecision early = memory.try_mail("192.0.2.1", "");
    EXPECT_FALSE(early.pass);
    EXPECT_EQ(early.wait, 3min);
    memory.now += 3min;
    EXPECT_FALSE(memory.try_mail("192.0.2.1", "", "other@example.org").pass) << "another mail";
    EXPECT_TRUE(memory.try_mail("192.0.2.200", "").pass) << "from a neighbour of the pool";
    EXPECT_TRUE(memory.try_mail("192.0.2.1", "", "third@example.org").pass) << "known now";
    EXPECT_FALSE(memory.try_mail("192.0.3.1", "").pass) << "another network";
}

TEST(Greylist, ADomainThatSpfVouchesForIsKnownFromEverywhere) {
    Memory memory;
    EXPECT_FALSE(memory.try_mail("192.0.2.1", "Example.org").pass);
    memory.now += 6min;
    EXPECT_TRUE(memory.try_mail("2001:db8::1", "example.org").pass);
    EXPECT_TRUE(memory.try_mail("203.0.113.1", "example.org").pass);
    EXPECT_FALSE(memory.try_mail("203.0.113.1", "").pass);
}

TEST(Greylist, ComingTooLateIsComingForTheFirstTime) {
    Memory memory;
    EXPECT_FALSE(memory.try_mail("2001:db8::1", "").pass);
    memory.now += 49h;
    EXPECT_FALSE(memory.try_mail("2001:db8::1", "").pass);
    memory.now += 5min;
    EXPECT_TRUE(memory.try_mail("2001:db8::ffff:1", "").pass);
}

TEST(Greylist, WhoKeepsWritingStaysKnown) {
    Memory memory;
    EXPECT_FALSE(memory.try_mail("192.0.2.1", "").pass);
    memory.now += 1h;
    EXPECT_TRUE(memory.try_mail("192.0.2.1", "").pass);
    for (int i = 0; i < 4; ++i) {
        memory.now += 30 * 24h;
        EXPECT_TRUE(memory.try_mail("192.0.2.1", "", "x@example.org").pass);
    }
    EXPECT_FALSE(memory.try_mail("192.0.2.1", "").source) << "noted a moment ago";
    memory.now += 36 * 24h;
    EXPECT_FALSE(memory.try_mail("192.0.2.1", "").pass);
}

TEST(Greylist, KeysKeepNobodysAddress) {
    const GreylistKeys keys =
        greylist_keys(ip("2001:db8:1:2:3::4"), "", "a@b.example", "c.example");
    EXPECT_EQ(keys.source, "2001:db8:1:2::/64");
    EXPECT_EQ(keys.mail.find('@'), std::string::npos);
    EXPECT_EQ(keys.mail.size(), 5U + 32U);
}

}  // namespace
}  // namespace sekisho::peer
