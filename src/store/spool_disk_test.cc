// The spool while its disk is full, failing, unreadable or lying, and when it is back.
#include "base/result.h"
#include "queue/spool.h"
#include "store/spool_log.h"
#include "store/spool_testing.h"

#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::store::testing {
namespace {

using queue::RecipientState;
using std::chrono::hours;

TEST(SpoolDisk, OutcomesAreKeptUntilTheDiskIsBack) {
    auto disk = std::make_shared<Disk>();
    auto spool = open_or_throw(options_for(disk));
    const std::string id = append(*spool, envelope_for("a@example.org"), "x").value();
    const std::string other = append(*spool, envelope_for("b@example.org"), "y").value();
    const auto entry = spool->take_due(kStart);
    ASSERT_TRUE(entry);
    {
        const std::scoped_lock lock(disk->mutex);
        disk->fault = [](Op op, std::uint64_t) {
            return op == Op::Read ? std::nullopt : std::optional(Error{Errc::Unavailable, "EIO"});
        };
    }
    const Status failed = finish(*spool, id, outcome_for(*entry, RecipientState::Delivered));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::Unavailable);
    EXPECT_FALSE(spool->counters().writable);
    EXPECT_FALSE(append(*spool, envelope_for("c@example.org"), "z"));
    EXPECT_FALSE(spool->hold(other, "no"));
    // It was delivered: it isn't handed out again, however long the disk is away.
    EXPECT_EQ(spool->take_due(kStart + hours(50))->envelope.queue_id, other);
    EXPECT_FALSE(spool->take_due(kStart + hours(50)));
    {
        const std::scoped_lock lock(disk->mutex);
        disk->fault = nullptr;
    }
    while (spool->counters().backlog > 0 || spool->counters().finishing > 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(append(*spool, envelope_for("c@example.org"), "z"));
    EXPECT_TRUE(spool->counters().writable);
    spool.reset();
    spool = open_or_throw(options_for(disk));
    EXPECT_FALSE(spool->message(id));
    EXPECT_EQ(spool->counters().queued, 2U);
}

TEST(SpoolDisk, AFullDiskRefusesMailAndStillRecordsOutcomes) {
    auto disk = std::make_shared<Disk>();
    auto spool = open_or_throw(options_for(disk));
    std::vector<std::string> ids;
    {
        const std::scoped_lock lock(disk->mutex);
        disk->fault = [](Op op, std::uint64_t) {
            return op == Op::Create ? std::optional(Error{Errc::Full, "ENOSPC"}) : std::nullopt;
        };
    }
    // No file can be made: the first segment was not made ahead, the reserve is for outcomes.
    EXPECT_EQ(append(*spool, envelope_for("a@example.org"), "x").error().code, Errc::Full);
    {
        const std::scoped_lock lock(disk->mutex);
        disk->fault = nullptr;
    }
    for (;;) {
        const auto id = append(*spool, envelope_for("a@example.org"), std::string(6000, 'x'));
        if (id) {
            ids.push_back(*id);
            const std::scoped_lock lock(disk->mutex);
            disk->fault = [](Op op, std::uint64_t) {
                return op == Op::Create ? std::optional(Error{Errc::Full, "ENOSPC"}) : std::nullopt;
            };
        } else {
            EXPECT_EQ(id.error().code, Errc::Full);
            if (!ids.empty()) {
                break;
            }
        }
    }
    EXPECT_FALSE(spool->counters().writable);
    // More outcomes than the rest of the segment takes: the reserve is used.
    const std::string long_reply(1900, 'r');
    for (int round = 0; round < 3; ++round) {
        while (auto entry = spool->take_due(kStart + hours(round))) {
            auto outcome = outcome_for(*entry, RecipientState::Pending, long_reply);
            outcome.next_try = kStart + hours(round + 1);
            EXPECT_TRUE(finish(*spool, entry->envelope.queue_id, outcome));
        }
    }
    while (auto entry = spool->take_due(kStart + hours(9))) {
        EXPECT_TRUE(
            finish(*spool, entry->envelope.queue_id, outcome_for(*entry, RecipientState::Delivered))
        );
    }
    EXPECT_EQ(spool->counters().queued, 0U);
    // The finished segments are the space for new mail, though the disk is as full as before.
    std::optional<std::string> again;
    while (!again) {
        const auto id = append(*spool, envelope_for("a@example.org"), std::string(6000, 'n'));
        if (id) {
            again = *id;
        }
    }
    EXPECT_TRUE(spool->counters().writable);
    spool.reset();
    spool = open_or_throw(options_for(disk));
    EXPECT_EQ(spool->message(*again), std::string(6000, 'n'));
}

TEST(SpoolDisk, LittleFreeSpaceRefusesMailOnly) {
    auto disk = std::make_shared<Disk>();
    auto spool = open_or_throw(options_for(disk));
    const std::string id = append(*spool, envelope_for("a@example.org"), "x").value();
    {
        const std::scoped_lock lock(disk->mutex);
        disk->free = 999'999;
    }
    EXPECT_EQ(append(*spool, envelope_for("a@example.org"), "x").error().code, Errc::Full);
    EXPECT_EQ(spool->counters().append_failures_total, 1U);
    EXPECT_FALSE(spool->counters().writable);
    EXPECT_TRUE(spool->hold(id, "y"));
    {
        const std::scoped_lock lock(disk->mutex);
        disk->free = 1'000'000;
    }
    EXPECT_TRUE(append(*spool, envelope_for("a@example.org"), "x"));
    EXPECT_TRUE(spool->counters().writable);
}

TEST(SpoolDisk, AnAcknowledgementBeforeTheSyncIsCountedAndWithheld) {
    auto disk = std::make_shared<Disk>();
    auto spool = open_or_throw(options_for(disk));
    ASSERT_TRUE(append(*spool, envelope_for("a@example.org"), "synced"));
    EXPECT_EQ(spool->counters().acks_before_durable_total, 0U);
    {
        const std::scoped_lock lock(disk->mutex);
        disk->sync_lies = true;
    }
    EXPECT_EQ(append(*spool, envelope_for("a@example.org"), "x").error().code, Errc::Unavailable);
    EXPECT_EQ(spool->counters().acks_before_durable_total, 1U);
    {
        const std::scoped_lock lock(disk->mutex);
        disk->sync_lies = false;
    }
    EXPECT_TRUE(append(*spool, envelope_for("a@example.org"), "synced again"));
    EXPECT_EQ(spool->counters().acks_before_durable_total, 1U);
}

TEST(SpoolDisk, ASegmentWhoseHeaderFailedDoesNotHideItsSuccessor) {
    for (const bool failed_is_first : {true, false}) {
        auto disk = std::make_shared<Disk>();
        auto spool = open_or_throw(options_for(disk));
        {
            const std::scoped_lock lock(disk->mutex);
            disk->fault = [](Op op, std::uint64_t) {
                return op == Op::Write ? std::optional(Error{Errc::Unavailable, "EIO"})
                                       : std::nullopt;
            };
        }
        // Half of the header's block is written, so one copy of it is there.
        EXPECT_FALSE(append(*spool, envelope_for("a@example.org"), "x"));
        {
            const std::scoped_lock lock(disk->mutex);
            disk->fault = nullptr;
        }
        // Too large for the file that has failed: another one becomes the segment of that ordinal.
        const std::string large(100'000, 'L');
        std::optional<std::string> id;
        while (!id) {
            const auto result = append(*spool, envelope_for("a@example.org"), large);
            id = result ? std::optional(*result) : std::nullopt;
        }
        disk = disk->after_kill();
        spool.reset();
        if (!failed_is_first) {
            auto files = std::move(disk->files);
            for (auto& [name, content] : files) {
                disk->files["segment-0000" + std::to_string(9999 - disk->files.size()) + ".log"] =
                    std::move(content);
            }
        }
        spool = open_or_throw(options_for(disk));
        EXPECT_TRUE(spool->message(*id) == large);
        EXPECT_TRUE(spool->damage().empty());
    }
}

// The header of a segment that couldn't be begun says where the one before it ends, and a crash may
// leave it: what is accepted after the failure must not lie behind that end.
TEST(SpoolDisk, WhatIsAcceptedAfterAFailedHeaderSurvivesACrash) {
    auto disk = std::make_shared<Disk>();
    auto spool = open_or_throw(options_for(disk));
    ASSERT_TRUE(append(*spool, envelope_for("a@example.org"), std::string(10'000, 'f')));
    {
        const std::scoped_lock lock(disk->mutex);
        bool failed = false;
        disk->fault = [failed](Op op, std::uint64_t) mutable {
            const bool fails = op == Op::Write && !std::exchange(failed, failed || op == Op::Write);
            return fails ? std::optional(Error{Errc::Unavailable, "EIO"}) : std::nullopt;
        };
    }
    // It needs a new segment of the usual size, whose file stays.
    EXPECT_FALSE(append(*spool, envelope_for("a@example.org"), std::string(20'000, 'x')));
    std::optional<std::string> id;
    while (!id) {
        const auto result = append(*spool, envelope_for("a@example.org"), "accepted");
        id = result ? std::optional(*result) : std::nullopt;
    }
    disk = disk->after_kill();
    spool = open_or_throw(options_for(disk));
    EXPECT_EQ(spool->message(*id), "accepted");
    EXPECT_EQ(spool->counters().queued, 2U);
    EXPECT_TRUE(spool->damage().empty());
}

// Segments whose first write failed held nothing; their headers may be lost with the power.
TEST(SpoolDisk, SegmentsGivenUpAtTheirFirstWriteAreNotMissed) {
    auto disk = std::make_shared<Disk>();
    auto spool = open_or_throw(options_for(disk));
    const std::string id = append(*spool, envelope_for("a@example.org"), "first").value();
    {
        const std::scoped_lock lock(disk->mutex);
        disk->fault = [](Op op, std::uint64_t) {
            return op == Op::Sync ? std::optional(Error{Errc::Unavailable, "EIO"}) : std::nullopt;
        };
    }
    while (spool->counters().segments < 5) {
        EXPECT_FALSE(append(*spool, envelope_for("a@example.org"), "refused"));
    }
    {
        const std::scoped_lock lock(disk->mutex);
        disk->fault = nullptr;
    }
    std::optional<std::string> later;
    while (!later) {
        const auto result = append(*spool, envelope_for("a@example.org"), "later");
        later = result ? std::optional(*result) : std::nullopt;
    }
    for (auto& [name, content] : disk->files) {  // nothing of what wasn't synced is left
        content->now = content->durable;
    }
    disk = disk->after_kill();
    spool = open_or_throw(options_for(disk));
    EXPECT_TRUE(spool->message(id) == "first");
    EXPECT_TRUE(spool->message(*later) == "later");
    EXPECT_TRUE(spool->damage().empty()) << spool->damage().front().text;
}

TEST(SpoolDisk, AReadErrorPostponesAndDoesNotLose) {
    auto disk = std::make_shared<Disk>();
    auto spool = open_or_throw(options_for(disk));
    const std::string id = append(*spool, envelope_for("a@example.org"), "x").value();
    {
        const std::scoped_lock lock(disk->mutex);
        disk->fault = [](Op op, std::uint64_t) {
            return op == Op::Read ? std::optional(Error{Errc::Unavailable, "EIO"}) : std::nullopt;
        };
    }
    EXPECT_FALSE(spool->take_due(kStart));
    EXPECT_EQ(spool->message(id).error().code, Errc::Unavailable);
    {
        const std::scoped_lock lock(disk->mutex);
        disk->fault = nullptr;
    }
    const auto entry = spool->take_due(kStart + hours(1));
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->envelope.queue_id, id);
}

}  // namespace
}  // namespace sekisho::store::testing
