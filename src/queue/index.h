// What is queued, in memory: state, times and places on disk of every message, without envelopes
// or bodies. It is the fold of the log's records, in order: opening and running use the same calls.
// On top of that it knows what no record says: who is in delivery. Not thread-safe.
// About 90 bytes a message, the schedule included, and as much for each account with queued
// messages (bench/spool/bench_schedule.cc).
#pragma once

#include "base/time.h"
#include "queue/chunks.h"
#include "queue/lane.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/schedule.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace sekisho::queue {

// Where a message is; queue.md has the table.
enum class Place : std::uint8_t {
    Scheduled,   // waits for its time
    Waiting,     // held or damaged: no time
    InDelivery,  // handed out by take_due()
    Finishing,   // the outcome is known and not yet durable
};

class Index {
  public:
    struct Slot {
        MessageNumber number = 0;  // 0: free
        std::int64_t due_ms = 0, expires_ms = 0;
        Location body, outcome, hold;
        std::uint32_t size = 0;  // of the Message record, in steps of kRecordAlign
        std::uint32_t attempts = 0;
        Schedule::FlowId flow = 0;
        std::uint16_t cost = 1;
        Place place = Place::Scheduled;
        bool held : 1 = false;
        bool damaged : 1 = false;
        Grade grade : 2 = Grade::Interactive;

        [[nodiscard]] Time due() const { return from_ms(due_ms); }
        [[nodiscard]] Time expires() const { return from_ms(expires_ms); }
        [[nodiscard]] std::uint64_t bytes() const { return std::uint64_t{size} * kRecordAlign; }
    };
    struct Live {
        std::uint64_t count = 0, bytes = 0;
    };
    struct Counts {
        std::uint64_t queued = 0, scheduled = 0, held = 0, in_delivery = 0, finishing = 0,
                      damaged = 0;
        std::uint64_t live_bytes = 0;
    };
    struct MessageRecord {
        MessageNumber number = 0;
        Location at;
        std::uint64_t size = 0;
        Time due{}, expires{};
        int attempts = 0;
        bool held = false;
        Lane lane;
    };

    explicit Index(std::uint32_t in_delivery_max = kInDeliveryMax) : schedule_(in_delivery_max) {}

    // The records. Those for an unknown number do nothing and return false.
    void message(const MessageRecord& record);
    bool outcome(MessageNumber number, Location at, Time due, int attempts);
    bool hold(MessageNumber number, Location at);
    bool release(MessageNumber number, Time due);
    bool retry(MessageNumber number, Time due);
    bool remove(MessageNumber number);  // Done and Drop

    // The bytes of the message fail their checksum: it is never due, or no more after its try.
    void mark_damaged(MessageNumber number);

    // Running.
    [[nodiscard]] const Slot* find(MessageNumber number) const;
    [[nodiscard]] std::optional<Slot> take_due(Time now);
    [[nodiscard]] std::optional<Time> next_due() const;
    void finishing(MessageNumber number);  // from InDelivery
    // From InDelivery, without a try: the message can't be read at the moment.
    void give_back(MessageNumber number, Time due);

    [[nodiscard]] const Counts& counts() const { return counts_; }
    [[nodiscard]] Live live(std::uint32_t ordinal) const;
    // Numbers higher than `last`, in no order.
    [[nodiscard]] std::vector<MessageNumber> after(MessageNumber last) const;
    // Numbers whose body lies before the segment, or in it, by place.
    [[nodiscard]] std::vector<MessageNumber> before(std::uint32_t ordinal) const;
    [[nodiscard]] std::vector<MessageNumber> in_segment(std::uint32_t ordinal) const;

  private:
    using Handle = Schedule::Handle;
    [[nodiscard]] std::optional<Handle> handle(MessageNumber number) const;
    [[nodiscard]] Handle create(MessageNumber number);
    void place(Handle handle, Place place);
    void set_attempts(Slot& slot, int attempts);
    void settle(Handle handle);  // Scheduled or Waiting, as held and damaged say
    void count(const Slot& slot, std::int64_t by);
    void count_live(const Slot& slot, std::int64_t by);

    template <class Keep>
    [[nodiscard]] std::vector<const Slot*> slots_that(const Keep& keep) const;

    Chunks<Slot> slots_;
    std::vector<Handle> free_;
    HandleTable table_;  // by number
    Schedule schedule_;
    std::map<std::uint32_t, Live> live_;
    Counts counts_;
};

}  // namespace sekisho::queue
