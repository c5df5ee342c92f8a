// Rebuilds the index from the segments' bytes and says what was damaged. Pure: the shell reads the
// files and hands them over in the order of their ordinals.
//
// A damaged stretch is a torn tail when no later record says that it had been synced (the header's
// `durable`): nobody was told 250 for it. Otherwise it is damage and reported by message id as far
// as ids can be read. A damaged copy never takes the place of a sound one.
#pragma once

#include "queue/fact.h"
#include "queue/index.h"
#include "queue/record.h"
#include "queue/scan.h"
#include "queue/spool.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::queue {

class Recovery {
  public:
    // Given the raw record of a message whose envelope can't be read, to be put aside for people.
    using Salvage = std::function<void(MessageNumber, std::string_view record)>;
    explicit Recovery(Index& index, Salvage salvage = {});

    // `bytes` ends where the segment's valid records may end. Returns where they do. `hints` is
    // told what was found.
    std::uint64_t add(
        const SegmentHeader& segment, std::string_view bytes, bool verify_bodies, HintWriter& hints
    );
    // The same from a segment's hints, which say nothing of the bodies. Nothing: they are no use.
    [[nodiscard]] std::optional<std::uint64_t> add_hints(
        const SegmentHeader& segment, std::string_view hints, std::uint64_t end_max
    );

    // Of the segments added from now on, records from this sequence number on are left out: those
    // of a write that failed, after which the next segment gave the number again. 0: none.
    void ends_before(std::uint64_t sequence) { ends_before_ = sequence; }

    struct Report {
        std::vector<Damage> damage;
        std::uint64_t last_sequence = 0;
        std::uint64_t durable = 0;  // the highest sequence known to have been synced
        std::uint32_t oldest = 0;   // segments before it hold nothing that is needed
        MessageNumber last_message = 0;
        std::uint64_t records = 0;
        bool closed_in_order = false;  // the last record is Close
    };
    [[nodiscard]] Report finish();

  private:
    struct Suspect {
        RecordHeader header;
        std::uint64_t offset = 0;
        bool applied = false;
        std::optional<Fact> message;
    };
    struct Hole {
        std::uint32_t ordinal = 0;  // of the segment it begins in
        std::uint64_t offset = 0;
        std::uint64_t first_sequence = 0, last_sequence = 0;
    };

    void begin(const SegmentHeader& segment);
    void record(const ScannedRecord& found, std::string_view bytes, HintWriter& hints);
    void order(const RecordHeader& header, std::uint64_t offset, std::uint64_t size);
    void message(const ScannedRecord& found, const std::optional<Fact>& fact);
    void state(const Fact& fact);
    void judge(const Suspect& suspect);
    [[nodiscard]] bool torn(std::uint64_t sequence) const;
    void judge_holes();
    void find_missing();
    void trim();
    void report(
        Damage::Kind kind, const RecordHeader& header, std::uint64_t offset, const char* text
    );

    Index& index_;
    Salvage salvage_;
    Report report_;
    // Ranges of sequences that an earlier opening found unsynced: first and last.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> unsynced_;
    std::uint64_t ends_before_ = 0;
    std::uint64_t last_end_ = 0;
    std::uint32_t last_ordinal_ = 0;
    std::vector<SegmentHeader> segments_;
    // Ordinals of segments before which no record is missing.
    std::set<std::uint32_t> seamless_;
    std::vector<Suspect> suspects_;
    std::vector<Hole> holes_;
    // Messages with state records and neither a body nor an end so far, and the last segment that
    // has such a record.
    std::map<MessageNumber, std::uint32_t> orphans_;
    // Messages whose envelope can't be read and that no record ended.
    std::set<MessageNumber> unreadable_;
};

}  // namespace sekisho::queue
