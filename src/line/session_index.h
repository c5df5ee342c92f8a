// Millions of sessions in memory, found by address, time and port in a microsecond, 100 to 200
// bytes each. Follows the rules of session_rules.h, so that it agrees with the store it stands
// beside, which is the durable one. Not thread-safe: looking up may be done by many at once,
// changing by one alone.
//
// Shape: a hash of prefixes (one probe for each prefix length and each size of port set in use)
// leads to a *run*: what is open on the prefix, then what has ended, by its beginning. A run is one
// block, so that a look-up waits for memory a handful of times, however long the history is.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/block_pool.h"
#include "line/hash_slots.h"
#include "line/huge_pages.h"
#include "line/line.h"
#include "line/ports.h"
#include "line/run.h"
#include "line/session_rules.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sekisho::line {

class SessionIndex {
  public:
    // As LineStore has them. Invalid: a name of more than 65535 bytes.
    Status put(const Session& session);
    void stop(const std::string& nas, const std::string& id, Time at);
    void stop_all(const std::string& nas, Time at);
    [[nodiscard]] std::vector<Session> holders(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port
    ) const;
    [[nodiscard]] Holder holder(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port
    ) const;

    // What a store keeps: first every session without its prefixes, those of one nas and id in the
    // order in which they were put; the number that it has here until something else is done.
    [[nodiscard]] Result<std::uint32_t> restore(const Session& session);
    // Then what they hold, all of one prefix together: that takes the least memory.
    void restore_held(const Prefix& prefix, std::span<const std::pair<std::uint32_t, Time>> held);

    // Forgets sessions that ended before `time`, and gives their memory to those that come. In
    // parts: begins where it ended, looks at `part` places, true when it has been through.
    bool forget_before(Time time, std::size_t part);

    [[nodiscard]] std::size_t sessions() const { return count_; }
    // Of memory, without what the allocator adds.
    [[nodiscard]] std::size_t bytes() const;

  private:
    struct Record {
        std::int64_t start = 0, end = 0, seen = 0;  // milliseconds; kOpen: not ended
        PortSet ports;
        BlockPool::Ref name = 0;  // line and realm; shared by all sessions of the line
        BlockPool::Ref id = 0;    // 0: the place is free
        std::uint32_t nas = 0;
        BlockPool::Ref held = 0;                         // hashes of its runs
        std::uint32_t previous_open = 0, next_open = 0;  // on the NAS; next_open: next free place
    };
    struct Nas {
        std::string name;
        std::uint32_t first_open = HashSlots::kNone;
    };
    static constexpr unsigned kRecordBits = 15;  // of a chunk's records: a huge page, nearly

    [[nodiscard]] Record& record(std::uint32_t at) {
        return records_[at >> kRecordBits][at & ((1U << kRecordBits) - 1)];
    }
    [[nodiscard]] const Record& record(std::uint32_t at) const {
        return records_[at >> kRecordBits][at & ((1U << kRecordBits) - 1)];
    }
    [[nodiscard]] std::string_view id_of(const Record& record) const;
    [[nodiscard]] std::pair<std::string_view, std::string_view> name_of(const Record& record) const;
    [[nodiscard]] std::uint32_t newest(const std::string& nas, std::string_view id) const;
    // Calls `take(session, name, key of its run)` for each session that holders() is about.
    template <class Take>
    void each_holder(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port, Take take
    ) const;
    [[nodiscard]] Session session(const Record& record, const Prefix& prefix) const;

    [[nodiscard]] std::uint32_t add(const Session& session);
    [[nodiscard]] std::uint32_t nas_number(const std::string& name);
    [[nodiscard]] std::uint32_t free_place();
    void name(Record& record, std::string_view line, std::string_view realm);
    void unname(Record& record);
    void rename(std::uint32_t at, std::string_view line, std::string_view realm);
    void hold(std::uint32_t at, const Prefix& prefix, Time from);
    void hold(std::uint32_t at, const RunKey& key, std::int64_t from, std::size_t others = 0);
    void note_held(Record& record, std::uint32_t hash);
    void note_shape(RunKey key);
    [[nodiscard]] std::uint32_t run_of(const RunKey& key, std::uint32_t hash) const;
    void end(std::uint32_t at, Time when);
    void open_on_nas(std::uint32_t at);
    void close_on_nas(std::uint32_t at);
    void forget(std::uint32_t at);
    // The hashes of the runs that hold it.
    [[nodiscard]] std::span<const std::uint32_t> held(const Record& record) const;

    BlockPool pool_;
    HashSlots runs_;      // RunKey -> run
    HashSlots sessions_;  // nas and id -> the newest record
    HashSlots names_;     // line and realm -> name
    std::vector<std::vector<Record, HugePages<Record>>> records_;
    std::uint32_t used_ = 0;                 // places ever used
    std::uint32_t free_ = HashSlots::kNone;  // the first free one
    std::size_t count_ = 0;
    std::vector<Nas> nas_;
    std::unordered_map<std::string, std::uint32_t> nas_by_name_;
    std::vector<RunKey> shapes4_, shapes6_;  // in use: lengths and masks; the rest is zero
    std::size_t forget_at_ = 0;              // where forget_before() goes on
};

}  // namespace sekisho::line
