#include "gate/daemon/answers.h"

#include "base/time.h"
#include "event/event.h"
#include "gate/daemon/rows.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);

}  // namespace

Answers::Told Answers::add(event::Event event, const std::string& fresh, Time now) {
    event.reference = fresh;
    const std::string key = Rows::key_of(event);
    auto found = lines_.find(key);
    if (found == lines_.end()) {
        if (lines_.size() == kLinesMax) {
            return {fresh, {std::move(event)}};
        }
        found = lines_.emplace(key, Line{now, 0, {}, {}}).first;
        found->second.waiting.count = 0;
    }
    Line& line = found->second;
    if (now - line.minute >= kMinute) {
        line.minute = now;
        line.rows = 0;
    }
    const std::int64_t waiting = line.waiting.count;
    if (line.rows >= per_minute_) {
        event.reference = line.reference;
        event.count += waiting;
        line.waiting = std::move(event);
        return {line.reference, {}};
    }
    ++line.rows;
    line.reference = fresh;
    line.waiting.count = 0;
    event.count += waiting;
    return {fresh, {std::move(event)}};
}

std::vector<event::Event> Answers::drain(Time now, bool all) {
    std::vector<event::Event> out;
    for (auto line = lines_.begin(); line != lines_.end();) {
        if (!all && now - line->second.minute < kMinute) {
            ++line;
            continue;
        }
        if (line->second.waiting.count > 0) {
            out.push_back(std::move(line->second.waiting));
        }
        line = lines_.erase(line);
    }
    return out;
}

}  // namespace sekisho::gate
