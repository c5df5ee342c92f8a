// The segment files of one spool: which are in use and in which order, which are spare, and how a
// new one comes about. A segment is used from its beginning to its end, sealed, and when nothing
// before it is needed any more, trimmed: its file becomes a spare, to be written over by a later
// use. One reserve spare is kept for state records, so that on a full disk what was delivered can
// still be marked so.
//
// Thread-safe. Slow work (making a zero-filled file) is done without the lock.
#pragma once

#include "base/result.h"
#include "queue/record.h"
#include "store/segment_file.h"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sekisho::store {

struct Segment {
    std::uint32_t ordinal = 0;
    std::uint64_t stamp = 0;
    std::string name;
    std::unique_ptr<SegmentFile> file;
    // Where valid records end. Changed by the committer only, under the spool's lock.
    std::uint64_t end = 0;
};

class SegmentSet {
  public:
    struct Options {
        std::uint64_t segment_size = 0;
        bool background = true;  // spares are made ahead by a thread
        std::size_t spares_max = 4;
        std::uint32_t retry_wait_ms = 1000;  // after a spare could not be made
    };
    SegmentSet(std::shared_ptr<SegmentFolder> folder, const Options& options);
    ~SegmentSet();
    SegmentSet(const SegmentSet&) = delete;
    SegmentSet& operator=(const SegmentSet&) = delete;

    // While opening.
    void adopt(std::shared_ptr<Segment> segment);
    // A file that holds nothing needed: a spare when it has the usual size, else it is removed.
    void adopt_spare(std::string name, std::unique_ptr<SegmentFile> file);
    void floor(std::uint32_t ordinal);  // the next segment's is higher
    void start();                       // makes the reserve, or starts the thread that does

    // A new segment after the last, its header written and not yet synced. `urgent`: may take the
    // reserve. `room`: bytes of records it must hold at least.
    struct Want {
        queue::SegmentHeader header;  // ordinal and stamp are filled in
        std::uint64_t room = 0;
        bool urgent = false;
    };
    // `header_tried`: a header was written, perhaps only in part. Even when that failed, a crash
    // may leave it, and what it says of the segment before it must stay true: nothing more goes
    // there.
    [[nodiscard]] Result<std::shared_ptr<Segment>> begin(const Want& want, bool& header_tried);
    // Segments before the ordinal are no longer needed.
    void trim(std::uint32_t oldest);

    // Keeps the segment's file from being written over while the pointer lives.
    [[nodiscard]] std::shared_ptr<Segment> pin(std::uint32_t ordinal) const;
    [[nodiscard]] std::vector<std::shared_ptr<Segment>> all() const;  // oldest first

    struct Figures {
        std::uint64_t segments = 0, bytes = 0, spares = 0, recycled = 0;
    };
    [[nodiscard]] Figures figures() const;

  private:
    struct Spare {
        std::string name;
        std::unique_ptr<SegmentFile> file;
    };
    [[nodiscard]] Result<Spare> make_file(std::uint64_t size);
    [[nodiscard]] std::optional<Spare> take_spare(bool urgent);
    void reap();
    void keep_or_remove(Spare spare);
    void make_spares(const std::stop_token& stop);

    std::shared_ptr<SegmentFolder> folder_;
    Options options_;
    mutable std::mutex mutex_;
    std::condition_variable_any wanted_;
    std::map<std::uint32_t, std::shared_ptr<Segment>> segments_;
    std::vector<std::shared_ptr<Segment>> retiring_;  // trimmed, perhaps still being read
    std::vector<Spare> spares_;
    std::uint32_t next_name_ = 1;
    std::uint32_t last_ordinal_ = 0;
    std::uint64_t recycled_ = 0;
    std::jthread maker_;
};

}  // namespace sekisho::store
