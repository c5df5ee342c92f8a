// Blocked flows become rows of the journal: at most so many a minute for each line, kind and rule
// together; what is beyond is in the count of the line's next row. Pure: time is handed in.
#pragma once

#include "base/time.h"
#include "event/event.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace sekisho::gate {

class Rows {
  public:
    explicit Rows(std::uint32_t per_line_per_minute) : per_minute_(per_line_per_minute) {}
    void set_limit(std::uint32_t per_line_per_minute) { per_minute_ = per_line_per_minute; }

    // The rows to write now: none, or one.
    [[nodiscard]] std::vector<event::Event> add(const event::Event& event, Time now);
    // Rows for what waits in lines whose minute is over, and the end of what is silent. To be
    // called every few seconds. `all`: everything that waits, at the end.
    [[nodiscard]] std::vector<event::Event> drain(Time now, bool all = false);

    [[nodiscard]] std::size_t lines() const { return lines_.size(); }
    // Packets whose row was given up because more lines than kLinesMax were blocked at once.
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

    // The line, or the address of one that has none. A line's name never starts with '@'.
    [[nodiscard]] static std::string key_of(const event::Event& event);

    static constexpr std::size_t kLinesMax = 100'000;

  private:
    using Kind = std::tuple<event::Kind, std::string>;  // and rule
    struct Line {
        Time minute{};           // start of the running minute
        std::uint32_t rows = 0;  // written in it
        std::map<Kind, event::Event> waiting;
    };
    std::uint32_t per_minute_;
    std::uint64_t lost_ = 0;
    std::map<std::string, Line> lines_;
};

}  // namespace sekisho::gate
