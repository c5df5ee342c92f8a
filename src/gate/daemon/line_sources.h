// Files that tell which line holds an address ([[lines]]): read at the start and whenever they
// change, on a thread of their own, and made to agree with what the store keeps.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "line/line.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

namespace sekisho::gate {

class LineSources {
  public:
    // `lines` outlives it. A file that isn't there or is wrong is no error here: it is in the log
    // and in the status, and looked at again.
    [[nodiscard]] static std::unique_ptr<LineSources> start(
        const std::vector<config::LineSource>& sources, line::LineStore& lines
    );
    virtual ~LineSources() = default;  // stops

    // Others from now on. What was known by a source that isn't named any more ends.
    virtual void reload(const std::vector<config::LineSource>& sources) = 0;
    // Of each source: file, how many rows hold, what is wrong.
    [[nodiscard]] virtual nlohmann::ordered_json status() = 0;
};

}  // namespace sekisho::gate
