// Answered connections become rows of the journal: each with a reference number of its own, at most
// so many a minute for each line. One beyond is told the number of the line's last row, and is in
// the count of its next: whatever number was told, the journal knows it. Pure: time is handed in.
#pragma once

#include "base/time.h"
#include "event/event.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sekisho::gate {

class Answers {
  public:
    explicit Answers(std::uint32_t per_line_per_minute) : per_minute_(per_line_per_minute) {}
    void set_limit(std::uint32_t per_line_per_minute) { per_minute_ = per_line_per_minute; }

    struct Told {
        std::string reference;
        std::vector<event::Event> rows;  // to write now: none, or one
    };
    // `fresh`: the number for a row of its own.
    [[nodiscard]] Told add(event::Event event, const std::string& fresh, Time now);
    // Rows for what waits in lines whose minute is over; `all`: at the end.
    [[nodiscard]] std::vector<event::Event> drain(Time now, bool all = false);

    static constexpr std::size_t kLinesMax = 100'000;  // beyond: every connection has its row

  private:
    struct Line {
        Time minute{};           // start of the running minute
        std::uint32_t rows = 0;  // written in it
        std::string reference;   // of the last of them
        event::Event waiting;    // its count: how many wait
    };
    std::uint32_t per_minute_;
    std::map<std::string, Line> lines_;
};

}  // namespace sekisho::gate
