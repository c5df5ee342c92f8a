// How many packets of each line were blocked, exactly, since the gate began: what the engine
// reports together is in here with its count. Pure.
#pragma once

#include "event/event.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {

class LineTotals {
  public:
    struct Total {
        std::string line, address;  // the address: the last that was seen
        std::uint64_t blocked = 0, would_block = 0;
        std::uint64_t answered = 0;  // connections
        Time last{};
    };
    // Of the kinds gate-blocked, gate-would-block and gate-answered.
    void add(const event::Event& event);
    // The busiest first.
    [[nodiscard]] std::vector<Total> top(std::size_t limit) const;
    // Of all, those beyond kLinesMax too; its address and line are empty.
    [[nodiscard]] const Total& sum() const { return sum_; }
    [[nodiscard]] std::size_t lines() const { return lines_.size(); }

    static constexpr std::size_t kLinesMax = 100'000;  // those beyond are only in the sum

  private:
    std::map<std::string, Total> lines_;
    Total sum_;
};

}  // namespace sekisho::gate
