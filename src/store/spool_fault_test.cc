// The spool against a disk that tears, flips, fails, fills up, lies and loses power.
#include "base/result.h"
#include "base/time.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/spool.h"
#include "store/spool_log.h"
#include "store/spool_testing.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::store::testing {
namespace {

using queue::Damage;
using queue::RecipientState;
using std::chrono::hours;

std::string body_of(int i) {
    return "message " + std::to_string(i) +
           std::string(static_cast<std::size_t>(i * 37 % 200), '.');
}

// A disk with so many messages in one segment, its file's name and where its records end.
struct Prepared {
    std::shared_ptr<Disk> disk = std::make_shared<Disk>();
    std::vector<std::string> ids;
    std::vector<std::size_t> ends;
    std::string name;
};

Prepared prepare(int messages) {
    Prepared prepared;
    auto spool = open_or_throw(options_for(prepared.disk));
    for (int i = 0; i < messages; ++i) {
        prepared.ids.push_back(append(*spool, envelope_for("a@example.org"), body_of(i)).value());
        for (const auto& [name, content] : prepared.disk->files) {
            const std::size_t end = content->now.find_last_not_of('\0');
            if (end != std::string::npos) {
                prepared.name = name;
                prepared.ends.push_back((end / 8 + 1) * 8);
            }
        }
    }
    prepared.disk = prepared.disk->after_kill();
    return prepared;
}

TEST(SpoolFault, EveryPrefixOfTheLogKeepsWhatItHolds) {
    const Prepared prepared = prepare(4);
    std::mt19937_64 random(1);
    for (std::size_t cut = prepared.ends[1]; cut <= prepared.ends[3]; ++cut) {
        for (const bool stale : {false, true}) {
            const auto disk = prepared.disk->after_kill();
            std::string& bytes = disk->files[prepared.name]->now;
            for (std::size_t at = cut; at < bytes.size(); ++at) {
                bytes[at] = stale ? static_cast<char>(random()) : '\0';
            }
            auto spool = open_or_throw(options_for(disk));
            std::size_t expected = 0;
            for (std::size_t i = 0; i < prepared.ids.size(); ++i) {
                const auto body = spool->message(prepared.ids[i]);
                if (prepared.ends[i] <= cut) {
                    ASSERT_EQ(body, body_of(static_cast<int>(i))) << "cut at " << cut;
                    ++expected;
                } else if (body) {
                    // Only padding or bytes that happen to be right can be missing.
                    ASSERT_EQ(body, body_of(static_cast<int>(i))) << "cut at " << cut;
                    ++expected;
                }
            }
            ASSERT_EQ(spool->counters().queued, expected) << "cut at " << cut;
            for (const Damage& damage : spool->damage()) {
                ASSERT_EQ(damage.kind, Damage::Kind::TornTail) << damage.text;
            }
            // What was left out stays out, and the log goes on.
            const auto id = append(*spool, envelope_for("b@example.org"), "after");
            ASSERT_TRUE(id);
            spool.reset();
            spool = open_or_throw(options_for(disk));
            ASSERT_EQ(spool->counters().queued, expected + 1) << "cut at " << cut;
            ASSERT_EQ(spool->message(*id), "after");
        }
    }
}

// Refused, since its flush failed; the kernel has it all the same, and calls its pages clean.
TEST(SpoolFault, WhatAKilledProcessLeftIsDurableOnceTheSpoolIsOpen) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        auto disk = std::make_shared<Disk>();
        std::string kept;
        {
            auto spool = open_or_throw(options_for(disk));
            kept = append(*spool, envelope_for("a@example.org"), "kept").value();
            disk->fault = [](Op op, std::uint64_t) {
                return op == Op::Sync ? std::optional(Error{Errc::Unavailable, "injected"})
                                      : std::nullopt;
            };
            ASSERT_FALSE(append(*spool, envelope_for("b@example.org"), "refused"));
            disk = disk->after_kill();
        }
        auto spool = open_or_throw(options_for(disk));
        const std::size_t found = spool->list(10).size();
        EXPECT_EQ(found, 2U) << "it is with the kernel";
        disk = disk->after_power_loss(seed);
        spool = open_or_throw(options_for(disk));
        EXPECT_EQ(spool->list(10).size(), found) << "seed " << seed;
        EXPECT_EQ(spool->message(kept), "kept");
        EXPECT_TRUE(spool->damage().empty());
    }
}

TEST(SpoolFault, ATornTailIsNoDamageWhenTheNextSegmentLosesItsHeader) {
    const auto failing = [](Op which) {
        return [which](Op op, std::uint64_t) {
            return op == which ? std::optional(Error{Errc::Unavailable, "injected"}) : std::nullopt;
        };
    };
    auto disk = std::make_shared<Disk>();
    for (const Op op : {Op::Write, Op::Sync}) {  // torn; then written behind it
        auto spool = open_or_throw(options_for(disk));
        if (op == Op::Write) {
            ASSERT_TRUE(append(*spool, envelope_for("a@example.org"), "kept"));
        }
        disk->fault = failing(op);
        ASSERT_FALSE(append(*spool, envelope_for("b@example.org"), std::string(3000, 'b')));
        disk = disk->after_kill();
    }
    std::uint32_t newest = 0;
    std::string* bytes = nullptr;
    for (const auto& [name, content] : disk->files) {
        const auto header = queue::decode_segment_header(content->now);
        if (header && header->ordinal > newest) {
            newest = header->ordinal;
            bytes = &content->now;
        }
    }
    ASSERT_EQ(newest, 2U);
    bytes->replace(0, queue::kSegmentDataStart, queue::kSegmentDataStart, '\0');
    auto spool = open_or_throw(options_for(disk));
    for (const Damage& damage : spool->damage()) {
        EXPECT_EQ(damage.kind, Damage::Kind::TornTail) << damage.text;
    }
    EXPECT_EQ(spool->list(10).size(), 2U);
}

TEST(SpoolFault, AFlippedBitCostsAtMostItsOwnMessage) {
    const Prepared prepared = prepare(4);
    // Close in order, so that everything is known to have been synced.
    {
        auto spool = open_or_throw(options_for(prepared.disk));
    }
    for (std::size_t at = 0; at < prepared.ends[3]; ++at) {
        if (at == 64) {
            at = 2048;  // between the copies of the segment header lies nothing
        } else if (at == 2112) {
            at = 4096;
        }
        const auto disk = prepared.disk->after_kill();
        char& byte = disk->files[prepared.name]->now[at];
        byte = static_cast<char>(byte ^ (1 << (at % 8)));
        auto spool = open_or_throw(options_for(disk));
        std::size_t intact = 0;
        for (std::size_t i = 0; i < prepared.ids.size(); ++i) {
            const bool mine =
                at >= 4096 && at < prepared.ends[i] && (i == 0 || at >= prepared.ends[i - 1]);
            const auto body = spool->message(prepared.ids[i]);
            if (body) {
                ASSERT_EQ(body, body_of(static_cast<int>(i))) << "byte " << at;
                ++intact;
            } else {
                ASSERT_TRUE(mine) << "byte " << at << " cost message " << i;
                // It is reported: by id where the header can be read.
                ASSERT_EQ(spool->damage().size(), 1U) << "byte " << at;
                const Damage damage = spool->damage().front();
                ASSERT_TRUE(
                    damage.queue_id == prepared.ids[i] || damage.kind == Damage::Kind::BytesSkipped
                ) << "byte "
                  << at << ": " << name(damage.kind);
                if (damage.kind == Damage::Kind::BodyDamaged) {
                    ASSERT_TRUE(spool->show(prepared.ids[i])->held);
                    ASSERT_EQ(spool->counters().damaged, 1U);
                } else if (damage.kind == Damage::Kind::MessageLost) {
                    ASSERT_EQ(disk->aside.count(prepared.ids[i]), 1U);
                }
            }
        }
        ASSERT_GE(intact, 3U);
        ASSERT_TRUE(append(*spool, envelope_for("b@example.org"), "after"));
    }
}

TEST(SpoolFault, ADamagedMessageIsNeverHandedOutAndCanBeDropped) {
    const Prepared prepared = prepare(2);
    {
        auto spool = open_or_throw(options_for(prepared.disk));
    }
    std::string& bytes = prepared.disk->files[prepared.name]->now;
    const std::size_t at = bytes.find("message 0");
    bytes[at] = 'M';
    auto spool = open_or_throw(options_for(prepared.disk));
    EXPECT_EQ(spool->take_due(kStart + hours(1))->envelope.queue_id, prepared.ids[1]);
    EXPECT_FALSE(spool->take_due(kStart + hours(100)));
    EXPECT_EQ(spool->message(prepared.ids[0]).error().code, Errc::Corrupt);
    EXPECT_TRUE(spool->drop(prepared.ids[0]));
    EXPECT_EQ(spool->counters().damaged, 0U);
}

TEST(SpoolFault, LostSegmentsAndForeignFilesAreReported) {
    auto disk = std::make_shared<Disk>();
    std::vector<std::string> ids;
    {
        auto spool = open_or_throw(options_for(disk));
        for (int i = 0; i < 20; ++i) {
            ids.push_back(
                append(*spool, envelope_for("a@example.org"), std::string(4000, 'x')).value()
            );
        }
        ASSERT_TRUE(spool->hold(ids[8], "held in a later segment"));
        ASSERT_GE(spool->counters().segments, 3U);
    }
    // The second segment: the one that holds message 8.
    std::string lost;
    for (const auto& [name, content] : disk->files) {
        if (content->now.compare(4096, 4, "SKSR") == 0 && content->now[4096 + 40] == 2) {
            lost = name;
        }
    }
    ASSERT_FALSE(lost.empty());
    disk->files.erase(lost);
    auto foreign = std::make_shared<Disk::Content>();
    foreign->now = foreign->durable = std::string(10'000, 'j');
    disk->files["segment-00000099.log"] = foreign;
    auto spool = open_or_throw(options_for(disk));
    std::set<Damage::Kind> kinds;
    std::set<std::string> reported;
    for (const Damage& damage : spool->damage()) {
        kinds.insert(damage.kind);
        reported.insert(damage.queue_id);
    }
    EXPECT_TRUE(kinds.contains(Damage::Kind::SegmentMissing));
    EXPECT_TRUE(kinds.contains(Damage::Kind::MessageLost));
    EXPECT_TRUE(reported.contains(ids[8]));
    EXPECT_GT(spool->counters().queued, 5U);
    EXPECT_EQ(spool->message(ids[0]), std::string(4000, 'x'));
    EXPECT_TRUE(append(*spool, envelope_for("b@example.org"), "after"));
}

// What callers were promised, to be compared with what a reopened spool holds.
struct Ledger {
    std::map<std::string, std::string> accepted;  // id -> body: told yes
    std::set<std::string> finished;               // told that it is done
    std::set<std::string> unknown;                // finished, told no: may or may not be there
};

// Small segments that are soon carried forward, so that a short run goes round several times.
SpoolOptions day_options(const std::shared_ptr<Disk>& disk) {
    SpoolOptions options = options_for(disk);
    options.segment_size = 16'384;
    options.garbage_segments_max = 1;
    return options;
}

// A scripted day: appends, deliveries, holds, a straggler, enough of it to recycle segments.
Ledger work(queue::Spool& spool) {
    Ledger ledger;
    for (int i = 0; i < 24; ++i) {
        const std::string body = body_of(i) + std::string(2500, static_cast<char>('A' + i));
        const auto id = append(spool, envelope_for("a@example.org"), body);
        if (id) {
            ledger.accepted.emplace(*id, body);
        }
        if (i % 8 == 3 && id) {
            (void)spool.hold(*id, "held");
        }
        while (auto entry = spool.take_due(kStart)) {
            const std::string taken = entry->envelope.queue_id;
            auto outcome = outcome_for(
                *entry, i % 5 == 4 ? RecipientState::Pending : RecipientState::Delivered
            );
            outcome.next_try = kStart + hours(1);
            const Status status = finish(spool, taken, outcome);
            if (i % 5 != 4) {
                (status ? ledger.finished : ledger.unknown).insert(taken);
            }
        }
    }
    return ledger;
}

void expect_promises_kept(const std::shared_ptr<Disk>& disk, const Ledger& ledger) {
    auto spool = open_or_throw(day_options(disk));
    for (const auto& [id, body] : ledger.accepted) {
        const auto found = spool->message(id);
        if (ledger.finished.contains(id)) {
            ASSERT_FALSE(found) << id << " was finished and came back";
        } else if (found || !ledger.unknown.contains(id)) {
            ASSERT_EQ(found, body) << id << " was accepted";
        }
    }
    for (const Damage& damage : spool->damage()) {
        ASSERT_EQ(damage.kind, Damage::Kind::TornTail) << name(damage.kind) << " " << damage.text;
    }
    ASSERT_EQ(spool->counters().acks_before_durable_total, 0U);
}

std::uint64_t operations_of_a_day() {
    auto disk = std::make_shared<Disk>();
    auto spool = open_or_throw(day_options(disk));
    const Ledger ledger = work(*spool);
    EXPECT_EQ(ledger.accepted.size(), 24U);
    EXPECT_GT(spool->counters().recycled_total, 1U);
    EXPECT_GT(spool->counters().carried_total, 1U);
    const std::scoped_lock lock(disk->mutex);  // the committer may be tidying up still
    return disk->operations;
}

TEST(SpoolFault, EveryOperationMayFailOnce) {
    const std::uint64_t operations = operations_of_a_day();
    for (std::uint64_t failing = 1; failing <= operations; ++failing) {
        for (const Errc code : {Errc::Full, Errc::Unavailable}) {
            auto disk = std::make_shared<Disk>();
            disk->keeps_hints = (failing + static_cast<std::uint64_t>(code)) % 2 == 0;
            disk->fault = [=](Op, std::uint64_t number) {
                return number == failing ? std::optional(Error{code, "injected"}) : std::nullopt;
            };
            auto spool = SpoolLog::open(day_options(disk));
            Ledger ledger;
            if (spool) {
                ledger = work(**spool);
            }
            const auto lost_power = disk->after_power_loss(failing);
            const auto killed = disk->after_kill();
            spool = fail(Errc::Closed, "");
            expect_promises_kept(lost_power, ledger);
            expect_promises_kept(killed, ledger);
            disk->fault = nullptr;
            expect_promises_kept(disk->after_kill(), ledger);
            if (HasFatalFailure()) {
                FAIL() << "operation " << failing;
            }
        }
    }
}

TEST(SpoolFault, PowerMayGoAtAnyOperation) {
    const std::uint64_t operations = operations_of_a_day();
    for (std::uint64_t last = 1; last <= operations; ++last) {
        auto disk = std::make_shared<Disk>();
        disk->keeps_hints = last % 2 == 0;
        std::shared_ptr<Disk> dark;
        disk->fault = [&](Op, std::uint64_t number) {
            return number > last ? std::optional(Error{Errc::Unavailable, "dark"}) : std::nullopt;
        };
        auto spool = SpoolLog::open(day_options(disk));
        const Ledger ledger = spool ? work(**spool) : Ledger{};
        for (std::uint64_t seed = 0; seed < 3; ++seed) {
            expect_promises_kept(disk->after_power_loss(last * 10 + seed), ledger);
        }
        if (HasFatalFailure()) {
            FAIL() << "after operation " << last;
        }
    }
}

}  // namespace
}  // namespace sekisho::store::testing
