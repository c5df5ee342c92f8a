#include "gate/daemon/rows.h"

#include "base/time.h"
#include "event/event.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);

}  // namespace

std::string Rows::key_of(const event::Event& event) {
    return event.line.empty() ? "@" + event.address : event.line;
}

std::vector<event::Event> Rows::add(const event::Event& event, Time now) {
    const std::string key = key_of(event);
    auto found = lines_.find(key);
    if (found == lines_.end()) {
        if (lines_.size() == kLinesMax) {
            lost_ += static_cast<std::uint64_t>(event.count);
            return {};
        }
        found = lines_.emplace(key, Line{now, 0, {}}).first;
    }
    Line& line = found->second;
    if (now - line.minute >= kMinute) {
        line.minute = now;
        line.rows = 0;
    }
    auto [waiting, fresh] = line.waiting.try_emplace({event.kind, event.rule}, event);
    if (!fresh) {
        const std::int64_t before = waiting->second.count;
        waiting->second = event;  // the row shows the latest packet
        waiting->second.count += before;
    }
    if (line.rows >= per_minute_) {
        return {};
    }
    ++line.rows;
    std::vector<event::Event> out{std::move(waiting->second)};
    line.waiting.erase(waiting);
    return out;
}

std::vector<event::Event> Rows::drain(Time now, bool all) {
    std::vector<event::Event> out;
    for (auto line = lines_.begin(); line != lines_.end();) {
        if (!all && now - line->second.minute < kMinute) {
            ++line;
            continue;
        }
        if (line->second.waiting.empty()) {
            line = lines_.erase(line);  // silent for a minute
            continue;
        }
        line->second.minute = now;
        line->second.rows = 0;
        for (auto& [kind, event] : line->second.waiting) {
            ++line->second.rows;
            out.push_back(std::move(event));
        }
        line->second.waiting.clear();
        ++line;
    }
    return out;
}

}  // namespace sekisho::gate
