// A file that lines are appended to, and that others may rename to begin a new one.
#pragma once

#include "base/fd.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace sekisho::feed {

// For one thread at a time.
class LineFile {
  public:
    explicit LineFile(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] const std::string& path() const { return path_; }

    // All of it or nothing. Opens the file anew when it isn't the one of that name any more.
    Status append(std::string_view lines);
    void close() { file_ = UniqueFd(); }  // the next append() opens it

  private:
    [[nodiscard]] bool still_there() const;
    Status open();

    std::string path_;
    UniqueFd file_;
};

}  // namespace sekisho::feed
