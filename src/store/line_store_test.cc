#include "store/line_store.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/memory_store.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "store/test_support.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sekisho::store {
namespace {

using line::Session;

constexpr Time kNoon{Duration{1'700'000'000'000}};

Session session(int number, const std::string& line, const std::string& prefix, Time start) {
    Session out;
    out.id = "s" + std::to_string(number);
    out.nas = "bras1";
    out.line = line;
    out.prefixes = {*Prefix::parse(prefix)};
    out.start = start;
    out.seen = start;
    return out;
}

std::string describe(const std::vector<Session>& sessions) {
    std::vector<std::string> rows;
    for (const Session& s : sessions) {
        std::string row = s.nas + "/" + s.id + " " + s.line + "@" + s.realm + " " +
                          std::to_string(to_ms(s.start)) + "-" +
                          (s.end ? std::to_string(to_ms(*s.end)) : "") + " seen " +
                          std::to_string(to_ms(s.seen));
        std::vector<Prefix> prefixes = s.prefixes;
        std::ranges::sort(prefixes);
        for (const Prefix& prefix : prefixes) {
            row += " " + prefix.text();
        }
        rows.push_back(row);
    }
    std::ranges::sort(rows);
    std::string out;
    for (const std::string& row : rows) {
        out += row + "\n";
    }
    return out;
}

// Random packets in random order, the same to both stores, which must agree after each.
TEST(LineStore, AgreesWithTheOneInMemory) {
    const TestFolder folder;
    const auto store = std::move(*open_store(folder.file()));
    line::MemoryLineStore model;
    std::mt19937 random{20261124};
    const auto pick = [&](int count) {
        return static_cast<int>(random() % static_cast<unsigned>(count));
    };
    static const std::vector<std::string> kPrefixes{
        "198.51.100.7",
        "198.51.100.8",
        "198.51.100.0/24",
        "0.0.0.0/1",
        "2001:db8::/56",
        "2001:db8::/64",
        "2001:db8::7",
        "2001:db8:0:100::/56",
        "::/8",
        "::/96"
    };
    static const std::vector<const char*> kAsked{
        "198.51.100.7",
        "198.51.100.8",
        "198.51.100.9",
        "127.0.0.1",
        "2001:db8::7",
        "2001:db8:0:1ff::1",
        "::1",
        "203.0.113.1"
    };
    for (int round = 0; round < 1500; ++round) {
        const Time at = kNoon + Duration{pick(50)};
        const std::string nas = pick(4) == 0 ? "bras2" : "bras1";
        const int what = pick(12);
        if (what == 0) {
            ASSERT_EQ(
                store->lines().stop_all(nas, at).has_value(), model.stop_all(nas, at).has_value()
            );
        } else if (what < 4) {
            const std::string id = "s" + std::to_string(pick(8));
            ASSERT_EQ(
                store->lines().stop(nas, id, at).has_value(), model.stop(nas, id, at).has_value()
            );
        } else {
            Session one = session(
                pick(8),
                pick(5) == 0 ? "" : "u" + std::to_string(pick(3)),
                kPrefixes[static_cast<std::size_t>(pick(10))],
                at - Duration{pick(5)}
            );
            one.nas = nas;
            one.seen = at;
            one.realm = pick(6) == 0 ? "example.net" : "";
            one.prefixes.push_back(*Prefix::parse(kPrefixes[static_cast<std::size_t>(pick(10))]));
            if (one.prefixes[0] == one.prefixes[1] || pick(5) == 0) {
                one.prefixes.pop_back();
            }
            if (pick(6) == 0) {
                one.end = at;
            }
            ASSERT_TRUE(store->lines().put(one));
            ASSERT_TRUE(model.put(one));
        }
        const IpAddress asked = *IpAddress::parse(
            kAsked[static_cast<std::size_t>(pick(static_cast<int>(kAsked.size())))]
        );
        const Time then = kNoon + Duration{pick(60)};
        ASSERT_EQ(
            describe(*store->lines().holders(asked, then)), describe(*model.holders(asked, then))
        ) << "round "
          << round << ", " << asked.text() << " at +" << (then - kNoon).count();
    }
    const auto open = [](line::LineStore& lines) {
        std::vector<Session> out;
        EXPECT_TRUE(lines.each_open([&out](const Session& one) { out.push_back(one); }));
        return describe(out);
    };
    EXPECT_EQ(open(store->lines()), open(model));
    EXPECT_NE(open(model), "");
    for (const char* line : {"u0", "u1", "u2", ""}) {
        ASSERT_EQ(
            describe(*store->lines().sessions_of(line, 100'000)),
            describe(*model.sessions_of(line, 100'000))
        );
    }
}

TEST(LineStore, SurvivesARestart) {
    const TestFolder folder;
    {
        const auto store = std::move(*open_store(folder.file()));
        ASSERT_TRUE(store->lines().put(session(1, "u1", "2001:db8::/56", kNoon)));
    }
    const auto store = std::move(*open_store(folder.file()));
    const IpAddress address = *IpAddress::parse("2001:db8:0:ff::1");
    EXPECT_EQ(line::resolve(*store->lines().holders(address, kNoon), address, kNoon).line, "u1");
    EXPECT_EQ(store->lines().sessions_of("u1", 1)->at(0).prefixes.at(0).text(), "2001:db8::/56");
}

TEST(LineStore, DamagedRowsAreAnErrorAndNoMore) {
    const TestFolder folder;
    const auto store = std::move(*open_store(folder.file()));
    ASSERT_TRUE(store->lines().put(session(1, "u1", "198.51.100.7", kNoon)));
    auto database = *Database::open(folder.file(), {});
    ASSERT_TRUE(database->run("UPDATE held SET length = 64"));
    EXPECT_EQ(store->lines().sessions_of("u1", 1).error().code, Errc::Corrupt);
    ASSERT_TRUE(database->run("UPDATE held SET first = x'00', length = 128"));
    EXPECT_EQ(store->lines().sessions_of("u1", 1).error().code, Errc::Corrupt);
}

TEST(LineStore, ForgetsWhatEndedLongAgo) {
    const TestFolder folder;
    const auto store = std::move(*open_store(folder.file()));
    Session old = session(1, "u1", "198.51.100.7", kNoon);
    old.end = kNoon + Duration{10};
    ASSERT_TRUE(store->lines().put(old));
    ASSERT_TRUE(store->lines().put(session(2, "u2", "198.51.100.8", kNoon)));
    EXPECT_EQ(store->forget_sessions_before(kNoon + Duration{10}).value(), 0);
    EXPECT_EQ(store->forget_sessions_before(kNoon + Duration{11}).value(), 1);
    EXPECT_TRUE(store->lines().sessions_of("u1", 1)->empty());
    EXPECT_TRUE(store->lines().holders(*IpAddress::parse("198.51.100.7"), kNoon)->empty());
    EXPECT_EQ(store->lines().sessions_of("u2", 1)->size(), 1U) << "what is open stays";
}

// 100,000 sessions, and no way to find one that reads a table from end to end.
TEST(LineStore, LooksUpByIndex) {
    const TestFolder folder;
    ASSERT_TRUE(open_store(folder.file()));
    auto database = *Database::open(folder.file(), {});
    ASSERT_TRUE(database->transaction([&]() -> Status {
        auto done = database->run_script(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
            "INSERT INTO sessions (id, nas, session, line, realm, started, ended, seen) "
            "SELECT i + 1, 'bras1', 's' || i, 'u' || i, '', i, 9223372036854775807, i FROM n;"
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
            "INSERT INTO held (first, length, ended, started, session) "
            "SELECT unhexed, 128, 9223372036854775807, i, i + 1 FROM (SELECT i, "
            "CAST(x'00000000000000000000ffff0a' || char(i / 16384, (i / 128) % 128, i % 128) "
            "AS BLOB) AS unhexed FROM n);"
            "INSERT INTO held_lengths VALUES (128)"
        );
        return done;
    }));
    const std::string steps = query_plan(*database, std::string{SqliteLineStore::kHoldersQuery});
    EXPECT_EQ(steps.find("SCAN"), std::string::npos) << steps;
    EXPECT_NE(
        steps.find("SEARCH h USING PRIMARY KEY (first=? AND length=? AND ended>?)"),
        std::string::npos
    ) << steps;
    EXPECT_NE(steps.find("SEARCH s USING INTEGER PRIMARY KEY"), std::string::npos) << steps;

    SqliteLineStore store{std::move(database)};
    const auto found = store.holders(*IpAddress::parse("10.5.13.32"), Time{Duration{99'999}});
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->at(0).line, "u" + std::to_string(5 * 16384 + 13 * 128 + 32));
}

}  // namespace
}  // namespace sekisho::store
