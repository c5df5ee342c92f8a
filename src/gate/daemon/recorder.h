// Flows that the gate blocked, or would have blocked, become rows of the journal: attributed to a
// line where the line is certain, at most so many rows a line and minute, with exact counts. A row
// names the other end's class, never its address (secrecy of communications).
//
// One thread uses it. `now` is handed in.
#pragma once

#include "base/time.h"
#include "event/event.h"
#include "gate/enforce/engine.h"
#include "line/line.h"
#include "policy/policy.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace sekisho::gate {

class Recorder {
  public:
    Recorder(line::LineStore& lines, event::Journal& journal, std::uint32_t rows_per_minute)
        : lines_(lines), journal_(journal), rows_per_minute_(rows_per_minute) {}

    void flow(const Flow& flow, const policy::Policy& policy, Time now);
    // Writes a row for what was counted without one, once its minute is over.
    void sweep(Time now, bool everything = false);
    void set_rows_per_minute(std::uint32_t rows) { rows_per_minute_ = rows; }

    struct Counters {
        std::uint64_t flows = 0;
        std::uint64_t attributed = 0;  // to one line
        std::uint64_t ambiguous = 0;   // two lines held the address: nobody is accused
        std::uint64_t unknown = 0;
        std::uint64_t rows = 0;
    };
    [[nodiscard]] const Counters& counters() const { return counters_; }

  private:
    struct Window {
        Time began{};
        std::uint32_t rows = 0;
        std::uint64_t unwritten = 0;
        event::Event last;  // what a row for the unwritten ones looks like
    };
    void write(event::Event row);

    line::LineStore& lines_;
    event::Journal& journal_;
    std::uint32_t rows_per_minute_;
    std::unordered_map<std::string, Window> windows_;
    Counters counters_;
};

}  // namespace sekisho::gate
