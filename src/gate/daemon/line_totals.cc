#include "gate/daemon/line_totals.h"

#include "event/event.h"
#include "gate/daemon/rows.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::gate {
namespace {

void count(LineTotals::Total& into, const event::Event& event) {
    const auto number = static_cast<std::uint64_t>(event.count);
    if (event.kind == event::Kind::GateBlocked) {
        into.blocked += number;
    } else if (event.kind == event::Kind::GateWouldBlock) {
        into.would_block += number;
    } else if (event.kind == event::Kind::GateAnswered) {
        into.answered += number;
    }
    into.last = std::max(into.last, event.at);
}

}  // namespace

void LineTotals::add(const event::Event& event) {
    count(sum_, event);
    const std::string key = Rows::key_of(event);
    auto found = lines_.find(key);
    if (found == lines_.end()) {
        if (lines_.size() == kLinesMax) {
            return;
        }
        found = lines_.emplace(key, Total{}).first;
        found->second.line = event.line;
    }
    found->second.address = event.address;
    count(found->second, event);
}

std::vector<LineTotals::Total> LineTotals::top(std::size_t limit) const {
    std::vector<Total> out;
    out.reserve(lines_.size());
    for (const auto& [key, total] : lines_) {
        out.push_back(total);
    }
    std::ranges::sort(out, [](const Total& a, const Total& b) {
        return a.blocked + a.would_block + a.answered > b.blocked + b.would_block + b.answered;
    });
    out.resize(std::min(out.size(), limit));
    return out;
}

}  // namespace sekisho::gate
