// Opening by the hints of sealed segments: the same queue comes of it as of reading them.
#include "queue/spool.h"
#include "store/segment_file.h"
#include "store/spool_log.h"
#include "store/spool_testing.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sekisho::store::testing {
namespace {

using queue::Entry;
using queue::RecipientState;
using std::chrono::hours;

std::shared_ptr<Disk> disk_with_hints() {
    auto disk = std::make_shared<Disk>();
    disk->keeps_hints = true;
    return disk;
}

// Some of everything that can be recorded, over several segments.
void work(queue::Spool& spool, std::mt19937_64& random, int steps) {
    std::vector<std::string> ids;
    for (int i = 0; i < steps; ++i) {
        const std::string recipient = "r" + std::to_string(random() % 5) + "@example.org";
        ids.push_back(
            append(spool, envelope_for(recipient), std::string(random() % 3000, 'x')).value()
        );
        const std::string& some = ids[random() % ids.size()];
        switch (random() % 6) {
            case 0:
                (void)spool.hold(some, "held");
                break;
            case 1:
                (void)spool.release(some, kStart + hours(random() % 3));
                break;
            case 2:
                (void)spool.drop(some);
                break;
            case 3:
                (void)spool.retry_now(some, kStart + hours(1));
                break;
            default:
                if (const auto entry = spool.take_due(kStart)) {
                    const bool again = random() % 2 == 0;
                    auto outcome = outcome_for(
                        *entry, again ? RecipientState::Pending : RecipientState::Delivered, "450 x"
                    );
                    outcome.next_try = kStart + hours(random() % 9);
                    (void)finish(spool, entry->envelope.queue_id, outcome);
                }
        }
    }
}

std::string told(const std::vector<Entry>& entries) {
    std::string text;
    for (const Entry& entry : entries) {
        text += entry.envelope.queue_id + " " + std::to_string(to_ms(entry.due)) + " " +
                std::to_string(to_ms(entry.expires)) + " " + std::to_string(entry.attempts) + " " +
                entry.hold_reason + " " + std::string(queue::name(entry.grade)) + " " +
                entry.envelope.recipients.front().last_reply + "\n";
    }
    return text;
}

std::string opened(const std::shared_ptr<Disk>& disk, bool use_hints) {
    SpoolOptions options = options_for(disk);
    options.use_hints = use_hints;
    const auto spool = open_or_throw(options);
    std::string text = told(spool->list(10'000));
    while (const auto entry = spool->take_due(kStart + hours(1000))) {
        text += entry->envelope.queue_id;
    }
    EXPECT_TRUE(spool->damage().empty());
    return text;
}

TEST(SpoolHints, GiveTheSameQueueAsTheSegments) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        std::mt19937_64 random(seed);
        const auto disk = disk_with_hints();
        for (int opening = 0; opening < 3; ++opening) {
            const auto spool = open_or_throw(options_for(disk));
            work(*spool, random, 40);
        }
        ASSERT_GT(disk->hints.size(), 2U);
        ASSERT_EQ(opened(disk->after_kill(), true), opened(disk->after_kill(), false)) << seed;
    }
}

TEST(SpoolHints, AreReadInsteadOfTheSegments) {
    const auto disk = disk_with_hints();
    {
        const auto spool = open_or_throw(options_for(disk));
        for (int i = 0; i < 60; ++i) {
            ASSERT_TRUE(append(*spool, envelope_for("a@example.org"), std::string(2000, 'x')));
        }
    }
    std::size_t reads = 0;
    disk->fault = [&](Op op, std::uint64_t) {
        reads += op == Op::Read ? 1 : 0;
        return std::nullopt;
    };
    SpoolOptions options = options_for(disk);
    options.garbage_segments_max = 1000;  // nothing is carried meanwhile
    const auto spool = open_or_throw(options);
    const std::scoped_lock lock(disk->mutex);
    // Of each file its header; and the reserve, which has none, is looked through.
    EXPECT_EQ(reads, disk->files.size() + 1);
}

TEST(SpoolHints, DamagedStaleAndForeignOnesArePassedOver) {
    std::mt19937_64 random(2);
    const auto disk = disk_with_hints();
    {
        const auto spool = open_or_throw(options_for(disk));
        work(*spool, random, 60);
    }
    const std::string right = opened(disk->after_kill(), false);
    ASSERT_GT(disk->hints.size(), 2U);
    const std::string foreign = disk->hints.begin()->second;
    const std::vector<std::function<void(std::string&)>> damages = {
        [&](std::string& bytes) { bytes[random() % bytes.size()] ^= static_cast<char>(0x20); },
        [&](std::string& bytes) { bytes.resize(random() % bytes.size()); },
        [&](std::string& bytes) { bytes += bytes.substr(bytes.size() - 48); },
        [&](std::string& bytes) { bytes = foreign; },
        [](std::string& bytes) { bytes.clear(); },
    };
    for (int round = 0; round < 40; ++round) {
        const auto copy = disk->after_kill();
        for (auto& [name, bytes] : copy->hints) {
            if (random() % 2 == 0) {
                damages[random() % damages.size()](bytes);
            }
        }
        ASSERT_EQ(opened(copy, true), right) << round;
    }
}

TEST(SpoolHints, ABodyThatWentBadIsFoundWhenItIsRead) {
    const auto disk = disk_with_hints();
    std::string id;
    {
        const auto spool = open_or_throw(options_for(disk));
        id = append(*spool, envelope_for("a@example.org"), "the body").value();
    }
    for (auto& [name, content] : disk->files) {
        const std::size_t at = content->now.find("the body");
        if (at != std::string::npos) {
            content->now[at] = 'T';
        }
    }
    const auto spool = open_or_throw(options_for(disk));
    EXPECT_EQ(spool->counters().damaged, 0U) << "only the hints were read";
    const auto entry = spool->take_due(kStart);
    ASSERT_TRUE(entry);
    EXPECT_EQ(spool->message(id).error().code, Errc::Corrupt);
    auto outcome = outcome_for(*entry, RecipientState::Pending, "451 4.3.0 damaged");
    outcome.next_try = kStart + hours(1);
    EXPECT_TRUE(finish(*spool, id, outcome));
    EXPECT_EQ(spool->counters().damaged, 1U);
    EXPECT_TRUE(spool->show(id)->held);
    EXPECT_FALSE(spool->take_due(kStart + hours(100))) << "it is kept for people to look at";
}

TEST(SpoolHints, LieInFilesBesideTheSegments) {
    namespace fs = std::filesystem;
    const fs::path folder = fs::path(::testing::TempDir()) / "sekisho-hints";
    fs::remove_all(folder);
    SpoolOptions options;
    options.directory = folder;
    options.segment_size = 32'768;
    options.free_space_min = 0;
    options.commit_wait = Duration{0};
    std::string id;
    {
        const auto spool = open_or_throw(options);
        id = append(*spool, envelope_for("a@example.org"), "x").value();
    }
    std::size_t found = 0;
    for (const auto& file : fs::directory_iterator(folder)) {
        found += file.path().extension() == ".hints" ? 1U : 0U;
    }
    EXPECT_EQ(found, 1U);
    {
        const auto spool = open_or_throw(options);
        EXPECT_EQ(spool->message(id), "x");
        EXPECT_TRUE(spool->drop(id));
    }
    fs::remove_all(folder);
}

}  // namespace
}  // namespace sekisho::store::testing
