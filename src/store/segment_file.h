// The few file operations the segment log needs, behind an interface so that tests can make any of
// them fail, lie or lose power. The real one uses pwritev, fdatasync and a folder of files.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::store {

class SegmentFile {
  public:
    virtual ~SegmentFile() = default;
    // Writes the pieces one after the other from `offset`. After an error any part may be written.
    virtual Status write(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
    // What was written before is on stable storage when this returns without an error. After an
    // error nothing is known about it, and a later success says nothing about it either: the
    // kernel may have dropped the pages.
    virtual Status sync() = 0;
    [[nodiscard]] virtual Result<std::string> read(std::uint64_t offset, std::uint64_t length) = 0;
    // The same, if it need not wait for the disk; Unavailable otherwise.
    [[nodiscard]] virtual Result<std::string> read_at_once(std::uint64_t, std::uint64_t) {
        return fail(Errc::Unavailable, "not in memory");
    }
    [[nodiscard]] virtual std::uint64_t size() const = 0;
    // The end of the bytes that a sync() has covered, by the file's own account: what the check
    // before each acknowledgement compares with.
    [[nodiscard]] virtual std::uint64_t synced_end() const = 0;
    // The file is used afresh from its beginning: nothing of it counts as synced.
    virtual void restart() = 0;
};

class SegmentFolder {
  public:
    virtual ~SegmentFolder() = default;
    // Takes the folder for this process; Conflict when another has it. Held until destruction.
    virtual Status lock() = 0;
    [[nodiscard]] virtual Result<std::vector<std::string>> names() = 0;  // of segment files, sorted
    [[nodiscard]] virtual Result<std::unique_ptr<SegmentFile>> open(const std::string& name) = 0;
    // A new file of that size, all zero, allocated and synced, and its name too.
    [[nodiscard]] virtual Result<std::unique_ptr<SegmentFile>> create(
        const std::string& name, std::uint64_t size
    ) = 0;
    virtual Status remove(const std::string& name) = 0;  // its hints too
    // The hints beside a segment file (queue/fact.h). They are worth no sync and no retry.
    virtual Status write_hints(const std::string& name, std::string_view bytes) = 0;
    [[nodiscard]] virtual Result<std::string> read_hints(const std::string& name) = 0;
    [[nodiscard]] virtual Result<std::uint64_t> free_space() = 0;
    // Keeps bytes that can't be read as a message, for people to look at.
    virtual Status put_aside(const std::string& name, std::string_view bytes) = 0;
};

[[nodiscard]] std::string segment_name(std::uint32_t number);         // "segment-00000001.log"
[[nodiscard]] std::string hints_name(std::string_view segment_name);  // "segment-00000001.hints"
// 0 unless the name is of that form.
[[nodiscard]] std::uint32_t segment_number(std::string_view name);

// Creates the folder (0700) when it isn't there.
[[nodiscard]] Result<std::unique_ptr<SegmentFolder>> open_segment_folder(
    const std::string& directory
);

}  // namespace sekisho::store
