#include "peer/past.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::peer {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Time kBegin = from_ms(1'800'000'000'000);
constexpr auto kDay = 24h;

// `session` once a day for `days` days.
Past daily(const Brought& session, int days) {
    std::optional<Past> past;
    for (int i = 0; i < days; ++i) {
        past = with(past, session, kBegin + i * kDay);
    }
    return *past;
}

TEST(Past, WhoBringsGoodMailForDaysIsGood) {
    const Brought good{.messages = 2, .recipients = 2, .refused_recipients = 0, .bad = 0};
    EXPECT_EQ(verdict(daily(good, 2), kBegin + 2 * kDay).record, Record::None) << "too new";
    const Past past = daily(good, 5);
    const PastVerdict found = verdict(past, kBegin + 5 * kDay);
    EXPECT_EQ(found.record, Record::Good);
    EXPECT_THAT(found.sentence, HasSubstr("since 2027-01-15"));
    EXPECT_EQ(verdict(past, kBegin + 60 * kDay).record, Record::None) << "it fades";
}

TEST(Past, WhoIsMostlyRefusedIsBad) {
    const Brought spray{.messages = 1, .recipients = 2, .refused_recipients = 8, .bad = 0};
    const PastVerdict found = verdict(daily(spray, 1), kBegin + 1h);
    EXPECT_EQ(found.record, Record::Bad);
    EXPECT_EQ(found.sentence, "of what it brought lately 8 of 10 were refused");
    const Brought rude{.messages = 0, .recipients = 0, .refused_recipients = 0, .bad = 1};
    EXPECT_EQ(verdict(daily(rude, 2), kBegin + 2 * kDay).record, Record::None) << "may be chance";
    EXPECT_EQ(verdict(daily(rude, 7), kBegin + 7 * kDay).record, Record::Bad);
}

TEST(Past, AnOldListIsNeither) {
    const Brought list{.messages = 10, .recipients = 80, .refused_recipients = 20, .bad = 0};
    EXPECT_EQ(verdict(daily(list, 10), kBegin + 10 * kDay).record, Record::None);
}

TEST(Past, HalvesInItsHalfLife) {
    const Brought session{.messages = 8, .recipients = 8, .refused_recipients = 4, .bad = 2};
    const Past first = with(std::nullopt, session, kBegin);
    const Past later = with(first, Brought{}, kBegin + kPastHalfLife);
    EXPECT_DOUBLE_EQ(later.messages, 4);
    EXPECT_DOUBLE_EQ(later.refused_recipients, 2);
    EXPECT_EQ(later.first, kBegin);
    // A clock that went back changes nothing.
    EXPECT_DOUBLE_EQ(with(later, Brought{}, kBegin).messages, 4);
}

TEST(Past, IsOfAnAddressOrANetworkOfVersionSix) {
    EXPECT_EQ(past_key(*IpAddress::parse("192.0.2.25")), "192.0.2.25");
    EXPECT_EQ(past_key(*IpAddress::parse("2001:db8:1:2:3::4")), "2001:db8:1:2::/64");
}

class Kept : public PastStore {
  public:
    Result<std::optional<Past>> find(std::string_view key) override {
        const auto found = all.find(std::string(key));
        return found == all.end() ? std::nullopt : std::optional(found->second);
    }
    Status remember(const std::vector<std::pair<std::string, Past>>& more) override {
        if (away) {
            return fail(Errc::Unavailable, "away");
        }
        for (const auto& [key, past] : more) {
            all[key] = past;
        }
        return {};
    }
    std::map<std::string, Past> all;
    bool away = false;
};

TEST(Gathered, IsKeptTogetherAndKnownBefore) {
    Kept store;
    Gathered gathered;
    const IpAddress address = *IpAddress::parse("192.0.2.25");
    const Brought session{.messages = 3, .recipients = 3, .refused_recipients = 1, .bad = 0};
    gathered.note(address, session, kBegin);
    gathered.note(address, session, kBegin + 1min);
    gathered.note(*IpAddress::parse("192.0.2.26"), Brought{}, kBegin);
    EXPECT_DOUBLE_EQ((*gathered.find(store, address))->messages, 6) << "before it is kept";
    store.away = true;
    EXPECT_FALSE(gathered.keep(store));
    store.away = false;
    gathered.note(address, session, kBegin + 2min);
    EXPECT_TRUE(gathered.keep(store));
    EXPECT_TRUE(gathered.keep(store)) << "nothing twice";
    ASSERT_EQ(store.all.size(), 1U) << "who brought nothing isn't noted";
    EXPECT_DOUBLE_EQ(store.all.at("192.0.2.25").messages, 9);
    EXPECT_DOUBLE_EQ(store.all.at("192.0.2.25").refused_recipients, 3);
    EXPECT_FALSE(*gathered.find(store, *IpAddress::parse("192.0.2.99")));
}

}  // namespace
}  // namespace sekisho::peer
