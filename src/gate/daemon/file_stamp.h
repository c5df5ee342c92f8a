// Which file a name stands for and how it was written last: two equal stamps, one content.
#pragma once

#include <cstdint>
#include <string>

namespace sekisho::gate {

struct FileStamp {
    bool there = false;
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t changed_ns = 0;

    [[nodiscard]] static FileStamp of(const std::string& file);  // not there: all zero
    [[nodiscard]] bool same_file(const FileStamp& other) const {
        return there && other.there && device == other.device && inode == other.inode;
    }
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

}  // namespace sekisho::gate
