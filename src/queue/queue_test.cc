#include "base/bytes.h"
#include "base/time.h"
#include "queue/index.h"
#include "queue/lane.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/retry.h"
#include "queue/scan.h"
#include "queue/schedule.h"
#include "queue/spool.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace sekisho::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Time kNow = Time{Duration{1'790'000'000'000}};

TEST(QueueId, IsTenCharactersThatSortAsTheNumbersDo) {
    EXPECT_EQ(format_queue_id(1), "0000000001");
    EXPECT_EQ(format_queue_id(kMessageNumberMax), "zzzzzzzzzz");
    std::mt19937_64 random(7);
    for (int i = 0; i < 1000; ++i) {
        const MessageNumber a = 1 + random() % kMessageNumberMax;
        const MessageNumber b = 1 + random() % kMessageNumberMax;
        EXPECT_EQ(a < b, format_queue_id(a) < format_queue_id(b));
        EXPECT_EQ(parse_queue_id(format_queue_id(a)), a);
        EXPECT_EQ(parse_queue_id(to_upper(format_queue_id(a))), a);
    }
}

TEST(QueueId, RefusesWhatItWouldNotWrite) {
    for (const char* text :
         {"", "0", "0000000000", "000000000u", "00000000001", "000000000\xff", "../../etc/"}) {
        EXPECT_FALSE(parse_queue_id(text)) << text;
    }
}

TEST(QueueId, NumbersGrowWhateverTheClockDoes) {
    const MessageNumber first = next_message_number(0, kNow);
    EXPECT_EQ(next_message_number(first, kNow), first + 1);
    EXPECT_EQ(next_message_number(first, kNow - hours(1000)), first + 1);
    EXPECT_GE(next_message_number(first, kNow + Duration{1}), first + 512);
    EXPECT_EQ(next_message_number(5, from_ms(0)), 6U);
}

TEST(Retry, FollowsTheScheduleAndRepeatsTheLast) {
    RetrySchedule schedule{.waits = {minutes(1), minutes(10)}, .jitter = 0};
    EXPECT_EQ(retry_wait(schedule, 0, 0), minutes(1));
    EXPECT_EQ(retry_wait(schedule, 1, 0), minutes(1));
    EXPECT_EQ(retry_wait(schedule, 2, 0), minutes(10));
    EXPECT_EQ(retry_wait(schedule, 1000, 0), minutes(10));
    schedule.jitter = 0.5;
    EXPECT_EQ(retry_wait(schedule, 1, 0), minutes(1));
    EXPECT_EQ(
        retry_wait(schedule, 1, std::numeric_limits<std::uint64_t>::max()), std::chrono::seconds(90)
    );
    schedule.waits = {Duration{-5}};
    EXPECT_EQ(retry_wait(schedule, 1, 0), Duration{1000});
    EXPECT_EQ(retry_wait({.jitter = 0}, 7, 0), hours(4));
}

TEST(Retry, TheLastTryIsAtTheExpiry) {
    const RetrySchedule schedule{.waits = {hours(4)}, .jitter = 0};
    EXPECT_EQ(next_try(schedule, {.now = kNow, .expires = kNow + hours(9)}), kNow + hours(4));
    EXPECT_EQ(next_try(schedule, {.now = kNow, .expires = kNow + hours(3)}), kNow + hours(3));
    EXPECT_EQ(next_try(schedule, {.now = kNow, .expires = kNow}), kNow + hours(4));
}

TEST(Schedule, GivesWhatASortedSetGives) {
    Schedule schedule;
    const auto flow = schedule.join({.owner = 1, .grade = Grade::Bulk}, true);
    std::set<std::tuple<std::int64_t, std::uint64_t, Schedule::Handle>> model;
    std::map<Schedule::Handle, std::pair<std::int64_t, std::uint64_t>> in;
    std::mt19937_64 random(3);
    for (int step = 0; step < 20'000; ++step) {
        const auto handle = static_cast<Schedule::Handle>(random() % 300);
        if (const auto found = in.find(handle); found != in.end()) {
            model.erase({found->second.first, found->second.second, handle});
            in.erase(found);
        }
        if (random() % 3 == 0) {
            schedule.remove(flow, handle);
        } else {
            const auto due = static_cast<std::int64_t>(random() % 500);
            schedule.put(flow, handle, from_ms(due), step);
            model.emplace(due, step, handle);
            in[handle] = {due, step};
        }
        ASSERT_EQ(schedule.size(), model.size());
        ASSERT_EQ(schedule.contains(handle), in.contains(handle));
        const auto next = schedule.next(from_ms(1000));
        ASSERT_EQ(next.has_value(), !model.empty());
        ASSERT_EQ(schedule.next_due().has_value(), !model.empty());
        if (next) {
            ASSERT_EQ(*next, std::get<2>(*model.begin()));
            ASSERT_EQ(to_ms(*schedule.next_due()), std::get<0>(*model.begin()));
        }
    }
}

MessageMeta sample_message() {
    MessageMeta meta;
    meta.due = kNow;
    meta.expires = kNow + hours(120);
    meta.attempts = 3;
    meta.held = true;
    meta.hold_reason = "why";
    meta.envelope.reverse_path = "a@example.net";
    meta.envelope.account = "a";
    meta.envelope.client = "2001:db8::1";
    meta.envelope.message_id = "<x@y>";
    meta.envelope.ret = "FULL";
    meta.envelope.envid = "e";
    meta.envelope.body_8bit = true;
    meta.envelope.accepted = kNow;
    meta.envelope.size = 77;
    meta.envelope.recipients = {
        {.address = "b@example.org", .orcpt = "rfc822;b", .notify = "NEVER"},
        {.address = "c@example.org", .state = RecipientState::Bounced, .last_reply = "550 no"},
    };
    return meta;
}

TEST(Record, PayloadsSurviveEncoding) {
    const MessageMeta meta = sample_message();
    const auto message = decode_message(encode(meta));
    ASSERT_TRUE(message);
    EXPECT_EQ(encode(*message), encode(meta));
    EXPECT_EQ(message->envelope.recipients[1].last_reply, "550 no");
    EXPECT_TRUE(message->held && message->envelope.body_8bit && !message->envelope.smtputf8);
    const OutcomeMeta outcome{
        .due = kNow, .attempts = 4, .recipients = {{.state = RecipientState::Dropped, .reply = "r"}}
    };
    EXPECT_EQ(encode(decode_outcome(encode(outcome)).value()), encode(outcome));
    EXPECT_EQ(decode_hold(encode(HoldMeta{.reason = "r"}))->reason, "r");
    EXPECT_EQ(decode_due(encode(DueMeta{.due = kNow}))->due, kNow);
    EXPECT_EQ(decode_trim(encode(TrimMeta{.oldest = 9, .last_message = 8}))->last_message, 8U);
}

TEST(Record, WhatAMessageAsksForSurvives) {
    MessageMeta meta = sample_message();
    const std::string before = encode(meta);  // as records were before there were wishes
    EXPECT_FALSE(decode_message(before)->envelope.deliver_by);
    EXPECT_EQ(decode_message(before)->envelope.priority, 0);
    meta.envelope.deliver_by = {
        .deadline = kNow + hours(1), .mode = DeliverBy::Mode::Notify, .trace = true
    };
    meta.envelope.require_tls = true;
    meta.envelope.body_binary = true;
    meta.envelope.route = "relay.example:25";
    meta.delay_told = true;
    meta.envelope.release = kNow + hours(5);
    for (const int priority : {-9, -1, 1, 9}) {
        meta.envelope.priority = priority;
        const std::string bytes = encode(meta);
        EXPECT_TRUE(bytes.starts_with(before));
        const auto read = decode_message(bytes);
        ASSERT_TRUE(read);
        EXPECT_EQ(encode(*read), bytes);
        EXPECT_EQ(read->envelope.deliver_by, meta.envelope.deliver_by);
        EXPECT_EQ(read->envelope.priority, priority);
        EXPECT_TRUE(read->envelope.require_tls && read->envelope.body_binary);
        EXPECT_EQ(read->envelope.route, "relay.example:25");
        EXPECT_TRUE(read->delay_told);
        EXPECT_EQ(read->envelope.release, kNow + hours(5));
    }
    for (const std::string& wrong :
         {std::string("\x03\x03", 2),         // twice
          std::string("\x04\x03", 2),         // out of order
          std::string("\x02\x09", 2),         // the normal priority is not written
          std::string("\x02\x13", 2),         // 10
          std::string("\x05\0\0\0\0", 5),     // no route is not written
          std::string("\x08", 1),             // unknown
          std::string("\x01\x00\x00", 3)}) {  // cut off
        EXPECT_FALSE(decode_message(before + wrong));
    }
}

template <class Decode>
void expect_strict(const std::string& bytes, const Decode& decode) {
    ASSERT_TRUE(decode(bytes));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        ASSERT_FALSE(decode(std::string_view(bytes).substr(0, length))) << length;
    }
    ASSERT_FALSE(decode(bytes + '\0'));
}

TEST(Record, EveryShortOrLongPayloadIsRefused) {
    expect_strict(encode(sample_message()), decode_message);
    expect_strict(encode(OutcomeMeta{.recipients = {{}, {.reply = "x"}}}), decode_outcome);
    expect_strict(encode(HoldMeta{.reason = "r"}), decode_hold);
    expect_strict(encode(DueMeta{}), decode_due);
    expect_strict(encode(TrimMeta{}), decode_trim);
    std::string false_state = encode(OutcomeMeta{.recipients = {{}}});
    false_state[16] = 9;
    EXPECT_FALSE(decode_outcome(false_state));
    std::string false_count = encode(OutcomeMeta{});
    false_count[12] = static_cast<char>(0xff);
    EXPECT_FALSE(decode_outcome(false_count));
}

TEST(Record, HeadersRefuseAnyFlippedBit) {
    const RecordHeader header{
        .stamp = 0x1122334455667788,
        .ordinal = 3,
        .sequence = 9,
        .durable = 8,
        .message = 7,
        .type = RecordType::Outcome,
        .meta_length = 5,
        .body_length = 6,
        .meta_crc = 1,
        .body_crc = 2,
    };
    const std::string bytes = encode(header);
    ASSERT_EQ(decode_record_header(bytes), header);
    EXPECT_EQ(header.record_size(), 80U);
    const SegmentHeader segment{
        .stamp = 5, .ordinal = 4, .oldest = 2, .previous_end = 4096, .sequence = 10, .durable = 9
    };
    const std::string block = encode(segment);
    ASSERT_EQ(block.size(), kSegmentDataStart);
    for (std::size_t bit = 0; bit < kRecordHeaderSize * 8; ++bit) {
        std::string flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        ASSERT_FALSE(decode_record_header(flipped)) << bit;
        std::string copy = block;
        copy[bit / 8] = static_cast<char>(copy[bit / 8] ^ (1 << (bit % 8)));
        ASSERT_EQ(decode_segment_header(copy), segment) << bit;
        copy[kSegmentHeaderCopyAt + 9] = '!';
        ASSERT_FALSE(decode_segment_header(copy)) << bit;
    }
    EXPECT_FALSE(decode_record_header(bytes.substr(0, 63)));
    EXPECT_FALSE(decode_segment_header(block.substr(0, 4095)));
}

std::string record_bytes(RecordHeader header, std::string_view meta, std::string_view body) {
    header.meta_length = static_cast<std::uint32_t>(meta.size());
    header.body_length = static_cast<std::uint32_t>(body.size());
    header.meta_crc = crc32c(meta);
    header.body_crc = crc32c(body);
    std::string bytes = encode(header).append(meta).append(body);
    bytes.resize(header.record_size(), '\0');
    return bytes;
}

TEST(Scan, StaleAndImitatedRecordsAreNotRead) {
    const RecordHeader mine{.stamp = 1, .ordinal = 2, .sequence = 1};
    RecordHeader stale = mine;
    stale.stamp = 99;
    // A body that is itself a sound record of another use, and a tail of an earlier use.
    const std::string inner = record_bytes(stale, "meta", "body");
    std::string bytes(kSegmentDataStart, '\0');
    bytes += record_bytes(mine, "first", inner);
    const std::size_t hole = bytes.size();
    bytes += std::string(40, '#');
    bytes += record_bytes(mine, "second", "");
    const std::size_t end = bytes.size();
    bytes += record_bytes(stale, "old", "old");
    std::vector<std::string> metas;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps;
    ScanSink sink;
    sink.record = [&](const ScannedRecord& found) {
        EXPECT_TRUE(found.meta_ok && found.body_ok);
        metas.emplace_back(found.meta);
    };
    sink.gap = [&](std::uint64_t offset, std::uint64_t length) {
        gaps.emplace_back(offset, length);
    };
    EXPECT_EQ(scan_segment(bytes, {.stamp = 1, .ordinal = 2}, sink), end);
    EXPECT_THAT(metas, ::testing::ElementsAre("first", "second"));
    EXPECT_THAT(gaps, ::testing::ElementsAre(std::pair<std::uint64_t, std::uint64_t>(hole, 40)));
}

Index::MessageRecord message_record(MessageNumber number, std::uint32_t segment = 1) {
    return {
        .number = number,
        .at = Location::at(segment, 4096 + number * 8),
        .size = 800,
        .due = kNow,
        .expires = kNow + hours(1),
        .lane = {.owner = 1, .grade = Grade::Interactive},
    };
}

TEST(IndexStates, FollowTheTable) {
    Index index;
    index.message(message_record(1));
    EXPECT_EQ(index.find(1)->place, Place::Scheduled);
    EXPECT_EQ(index.take_due(kNow)->number, 1U);
    EXPECT_EQ(index.find(1)->place, Place::InDelivery);
    EXPECT_FALSE(index.take_due(kNow));
    EXPECT_TRUE(index.hold(1, Location::at(1, 8000)));
    EXPECT_EQ(index.find(1)->place, Place::InDelivery);
    index.finishing(1);
    EXPECT_EQ(index.counts().finishing, 1U);
    EXPECT_TRUE(index.outcome(1, Location::at(1, 9000), kNow + hours(1), 1));
    EXPECT_EQ(index.find(1)->place, Place::Waiting);
    EXPECT_FALSE(index.next_due());
    EXPECT_TRUE(index.release(1, kNow));
    EXPECT_EQ(index.find(1)->place, Place::Scheduled);
    EXPECT_TRUE(index.retry(1, kNow + hours(2)));
    EXPECT_EQ(index.next_due(), kNow + hours(2));
    index.mark_damaged(1);
    EXPECT_FALSE(index.next_due());
    EXPECT_TRUE(index.release(1, kNow));
    EXPECT_FALSE(index.next_due());
    EXPECT_TRUE(index.remove(1));
    EXPECT_FALSE(index.remove(1));
    EXPECT_FALSE(index.outcome(1, {}, kNow, 1));
    EXPECT_FALSE(index.hold(1, {}));
    EXPECT_FALSE(index.release(1, kNow));
    EXPECT_FALSE(index.retry(1, kNow));
    EXPECT_EQ(index.counts().queued, 0U);
    EXPECT_EQ(index.counts().live_bytes, 0U);
}

TEST(IndexStates, AMessageCarriedDuringATryStaysInDelivery) {
    Index index;
    index.message(message_record(1, 1));
    (void)index.take_due(kNow);
    index.message(message_record(1, 5));
    EXPECT_EQ(index.find(1)->place, Place::InDelivery);
    EXPECT_EQ(index.live(1).count, 0U);
    EXPECT_EQ(index.live(5).bytes, 800U);
    EXPECT_EQ(index.before(5).size(), 0U);
    EXPECT_EQ(index.before(6).size(), 1U);
}

TEST(IndexStates, ManyMessagesComeAndGo) {
    Index index;
    std::map<MessageNumber, std::uint32_t> model;
    std::mt19937_64 random(11);
    for (int step = 0; step < 50'000; ++step) {
        const MessageNumber number = 1 + random() % 2000;
        if (random() % 2 == 0) {
            const auto segment = static_cast<std::uint32_t>(1 + random() % 9);
            index.message(message_record(number, segment));
            model[number] = segment;
        } else {
            ASSERT_EQ(index.remove(number), model.erase(number) == 1);
        }
        ASSERT_EQ(index.find(number) != nullptr, model.contains(number));
    }
    ASSERT_EQ(index.counts().queued, model.size());
    ASSERT_EQ(index.counts().scheduled, model.size());
    ASSERT_EQ(index.counts().live_bytes, model.size() * 800);
    for (std::uint32_t segment = 1; segment <= 9; ++segment) {
        std::vector<MessageNumber> expected;
        for (const auto& [number, where] : model) {
            if (where == segment) {
                expected.push_back(number);
            }
        }
        ASSERT_EQ(index.in_segment(segment), expected);
        ASSERT_EQ(index.live(segment).count, expected.size());
    }
    std::vector<MessageNumber> young;
    for (const auto& [number, where] : model) {
        if (number > 1000) {
            young.push_back(number);
        }
    }
    EXPECT_THAT(index.after(1000), ::testing::UnorderedElementsAreArray(young));
    // Handed out in order of age, as all are due at once.
    for (const auto& [number, where] : model) {
        ASSERT_EQ(index.take_due(kNow)->number, number);
    }
}

}  // namespace
}  // namespace sekisho::queue
