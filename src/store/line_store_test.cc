#include "store/line_store.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/line_contract.h"
#include "line/memory_store.h"
#include "line/ports.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "store/test_support.h"

#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
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
                          std::to_string(to_ms(s.seen)) + " " + s.ports.text();
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

// A store in a file, which lasts as long as it.
std::shared_ptr<line::LineStore> lines(bool indexed) {
    struct Kept {
        TestFolder folder;
        std::unique_ptr<Store> store;
    };
    const auto kept = std::make_shared<Kept>();
    kept->store = std::move(*open_store(kept->folder.file(), {.index_lines = indexed}));
    return {kept, &kept->store->lines()};
}

void wait_for_index(const Store& store) {
    for (int i = 0; i < 1000 && !store.line_index().ready; ++i) {
        std::this_thread::sleep_for(Duration{10});
    }
    ASSERT_TRUE(store.line_index().ready) << store.line_index().error;
}

std::shared_ptr<line::LineStore> file_alone() {
    return lines(false);
}
std::shared_ptr<line::LineStore> file_and_index() {
    return lines(true);
}

// Random packets in random order, the same to both stores, which must agree after each; of the
// indexed one a part comes while it loads.
class LineStores : public ::testing::TestWithParam<bool> {};

TEST_P(LineStores, AgreeWithTheOneInMemory) {
    const TestFolder folder;
    const StoreOptions options{.index_lines = GetParam()};
    auto store = std::move(*open_store(folder.file(), options));
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
    static const std::vector<const char*> kPorts{
        "1024-2047", "2000-2999", "psid 5/6 offset 4", "1-60000"
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
        if (round % 300 == 299) {
            store.reset();
            store = std::move(*open_store(folder.file(), options));
        } else if (GetParam() && round % 300 == 50) {
            wait_for_index(*store);
        }
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
            if (pick(3) == 0) {
                one.ports = *line::PortSet::parse(kPorts[static_cast<std::size_t>(pick(4))]);
            }
            ASSERT_TRUE(store->lines().put(one));
            ASSERT_TRUE(model.put(one));
        }
        const IpAddress asked = *IpAddress::parse(
            kAsked[static_cast<std::size_t>(pick(static_cast<int>(kAsked.size())))]
        );
        const Time then = kNoon + Duration{pick(60)};
        const auto port =
            pick(3) == 0 ? std::nullopt : std::optional{static_cast<std::uint16_t>(pick(65536))};
        ASSERT_EQ(*store->lines().holder(asked, then, port), *model.holder(asked, then, port))
            << asked.text() << " at +" << (then - kNoon).count();
        ASSERT_EQ(
            describe(*store->lines().holders(asked, then, port)),
            describe(*model.holders(asked, then, port))
        ) << "round "
          << round << ", " << asked.text() << " at +" << (then - kNoon).count();
    }
    const Session last = session(99, "u0", "2001:db8::/56", kNoon + Duration{1000});
    ASSERT_TRUE(store->lines().put(last));
    ASSERT_TRUE(model.put(last));
    EXPECT_EQ(describe(*store->lines().open_on("bras1")), describe(*model.open_on("bras1")));
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

INSTANTIATE_TEST_SUITE_P(Each, LineStores, ::testing::Bool(), [](const auto& one) {
    return one.param ? "Indexed" : "File";
});

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

TEST(IndexedLineStore, ForgetsAndUsesTheMemoryAgain) {
    const TestFolder folder;
    const auto store = std::move(*open_store(folder.file(), {.index_lines = true}));
    wait_for_index(*store);
    std::size_t bytes = 0;
    for (int day = 0; day < 6; ++day) {
        const Time at = kNoon + Duration{std::int64_t{day} * 86'400'000};
        std::vector<Session> all;
        for (int i = 0; i < 1000; ++i) {
            all.push_back(session(
                i,
                "u" + std::to_string(i + 10 * day),
                "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250),
                at
            ));
            all.back().end = at + Duration{80'000'000};
        }
        ASSERT_TRUE(store->lines().put_all(all));
        if (day > 0) {
            EXPECT_EQ(store->forget_sessions_before(at).value(), 1000);
        }
        EXPECT_EQ(store->line_index().sessions, 1000U);
        const IpAddress address = *IpAddress::parse("10.0.3.7");
        EXPECT_TRUE(store->lines().holders(address, at - Duration{1})->empty());
        EXPECT_EQ(store->lines().holders(address, at)->at(0).id, "s757");
        if (day == 2) {
            bytes = store->line_index().bytes;
        }
    }
    EXPECT_EQ(store->line_index().bytes, bytes) << "what is forgotten makes room";
}

// Changes that come while the index is being read, over and over.
TEST(IndexedLineStore, MissesNoChangeWhileItLoads) {
    const TestFolder folder;
    const auto address = [](int i) {
        return "10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) + "." +
               std::to_string(i % 256);
    };
    constexpr int kMany = 5000;
    std::vector<Session> all;
    for (int i = 0; i < kMany; ++i) {
        all.push_back(session(i, "before", address(i), kNoon));
    }
    ASSERT_TRUE((*open_store(folder.file()))->lines().put_all(all));
    const auto store = std::move(*open_store(folder.file(), {.index_lines = true}));
    int changed = 0;
    // Some more when it is ready, so that changes come before, while and after it is.
    for (int after = 0; after < 50 && changed < kMany; after += store->line_index().ready ? 1 : 0) {
        ASSERT_TRUE(store->lines().put(
            session(changed, "after", address(changed), kNoon + Duration{changed + 1})
        ));
        ++changed;
    }
    wait_for_index(*store);
    EXPECT_EQ(store->line_index().sessions, static_cast<std::size_t>(kMany + changed));
    const Time later = kNoon + Duration{kMany + 1};
    for (int i = 0; i < kMany; ++i) {
        const auto held = store->lines().holders(*IpAddress::parse(address(i)), later);
        ASSERT_EQ(held->size(), 1U) << i;
        ASSERT_EQ(held->at(0).line, i < changed ? "after" : "before") << i;
    }
}

// A file of the version before ports were known.
TEST(LineStore, AnOlderFileIsBroughtUpToDate) {
    const TestFolder folder;
    {
        const auto older = *Database::open(folder.file(), {});
        ASSERT_TRUE(older->migrate(schema_steps().first(2)));
        ASSERT_TRUE(
            older->run("INSERT INTO sessions (nas, session, line, realm, started, ended, seen) "
                       "VALUES ('bras1', 's1', 'u1', '', 0, 9223372036854775807, 0)")
        );
    }
    const auto store = std::move(*open_store(folder.file()));
    EXPECT_TRUE(store->lines().open_on("bras1")->at(0).ports.is_every());
}

TEST(IndexedLineStore, ADamagedFileIsAskedItself) {
    const TestFolder folder;
    {
        const auto store = std::move(*open_store(folder.file()));
        ASSERT_TRUE(store->lines().put(session(1, "u1", "198.51.100.7", kNoon)));
        ASSERT_TRUE(store->lines().put(session(2, "u2", "198.51.100.8", kNoon)));
    }
    ASSERT_TRUE(
        (*Database::open(folder.file(), {}))->run("UPDATE held SET length = 64 WHERE session = 1")
    );
    const auto store = std::move(*open_store(folder.file(), {.index_lines = true}));
    for (int i = 0; i < 1000 && store->line_index().error.empty(); ++i) {
        std::this_thread::sleep_for(Duration{10});
    }
    EXPECT_NE(store->line_index().error.find("impossible prefix"), std::string::npos);
    EXPECT_FALSE(store->line_index().ready);
    const IpAddress address = *IpAddress::parse("198.51.100.8");
    EXPECT_EQ(store->lines().holders(address, kNoon)->at(0).line, "u2");
    EXPECT_TRUE(store->lines().put(session(3, "u3", "198.51.100.8", kNoon)));
    EXPECT_EQ(store->lines().holders(address, kNoon)->size(), 2U);
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

namespace sekisho::line {
INSTANTIATE_TEST_SUITE_P(File, LineStoreContract, ::testing::Values(store::file_alone));
INSTANTIATE_TEST_SUITE_P(Indexed, LineStoreContract, ::testing::Values(store::file_and_index));
}  // namespace sekisho::line
