// One source of lines in a file: reading it when it has changed. No thread and no clock of its own.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "line/kea_leases.h"
#include "line/line.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::gate {

struct SourceState {
    Time read_at{};                   // when it last was read; the beginning of time: never yet
    std::size_t held = 0;             // rows or leases that are in force
    std::size_t wrong = 0;            // rows that aren't
    std::vector<std::string> errors;  // "file:row: what is wrong", the first ones
    std::string fault;                // why the file as a whole isn't read; empty: it is
};

class LineSource {
  public:
    virtual ~LineSource() = default;
    // Looks whether the file has changed, reads it, and tells the store. True when something was
    // read.
    virtual bool look(line::LineStore& lines, Time now) = 0;
    [[nodiscard]] virtual const SourceState& state() const = 0;
};

// The NAS under which its sessions are kept: "kea:NAME".
[[nodiscard]] std::string nas_of(const config::LineSource& source);

[[nodiscard]] std::unique_ptr<LineSource> make_static_source(const config::LineSource& source);
[[nodiscard]] std::unique_ptr<LineSource> make_kea_source(const config::LineSource& source);

// To the store in parts, so that accounting packets needn't wait long between them.
Status put_in_parts(line::LineStore& lines, const std::vector<line::Session>& sessions);

}  // namespace sekisho::gate
