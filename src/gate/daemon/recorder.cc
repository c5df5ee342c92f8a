#include "gate/daemon/recorder.h"

#include "base/log.h"
#include "base/time.h"
#include "event/event.h"
#include "gate/enforce/engine.h"
#include "line/line.h"
#include "policy/policy.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace sekisho::gate {
namespace {

constexpr Duration kMinute = std::chrono::minutes{1};
constexpr std::size_t kWindowsMax =
    200'000;  // sources watched at once; beyond it the oldest counts are written early

}  // namespace

void Recorder::flow(const Flow& flow, const policy::Policy& policy, Time now) {
    counters_.flows += flow.count;
    event::Event row;
    row.at = flow.at;
    row.kind = flow.blocked ? event::Kind::GateBlocked : event::Kind::GateWouldBlock;
    row.address = flow.client.text();
    row.rule = flow.rule;
    const policy::ClassId server = policy.classify(flow.server);
    row.detail = (flow.direction == policy::Direction::ToPort25 ? "to port 25 of "
                                                                : "answer from port 25 of ") +
                 policy.classes().at(server).name;
    const auto holders = lines_.holders(flow.client, flow.at);
    if (holders) {
        const line::Answer who = line::resolve(*holders, flow.client, flow.at);
        row.line = who.line;
        counters_.attributed += who.certainty == line::Certainty::Subscriber ? flow.count : 0;
        counters_.ambiguous += who.certainty == line::Certainty::Ambiguous ? flow.count : 0;
        counters_.unknown += who.certainty == line::Certainty::Unknown ? flow.count : 0;
        if (who.certainty == line::Certainty::Ambiguous) {
            row.detail += "; line ambiguous: " + who.reason;
        }
    } else {
        log::warning(
            "LINE_LOOKUP_FAILED",
            "who held an address can't be looked up",
            {{"error", holders.error().message}}
        );
    }
    if (windows_.size() >= kWindowsMax) {
        sweep(now, true);
    }
    Window& window = windows_
        [(row.line.empty() ? row.address : row.line) + '\n' + row.rule + '\n' +
         std::string(event::name(row.kind))];
    if (now - window.began >= kMinute) {
        window.began = now;
        window.rows = 0;
    }
    if (window.rows >= rows_per_minute_) {
        window.unwritten += flow.count;
        window.last = std::move(row);
        return;
    }
    ++window.rows;
    row.count = static_cast<std::int64_t>(flow.count + std::exchange(window.unwritten, 0));
    write(std::move(row));
}

void Recorder::sweep(Time now, bool everything) {
    for (auto one = windows_.begin(); one != windows_.end();) {
        Window& window = one->second;
        if (!everything && now - window.began < kMinute) {
            ++one;
            continue;
        }
        if (window.unwritten > 0) {
            window.last.count = static_cast<std::int64_t>(window.unwritten);
            write(std::move(window.last));
        }
        one = windows_.erase(one);
    }
}

void Recorder::write(event::Event row) {
    ++counters_.rows;
    journal_.append(std::move(row));
}

}  // namespace sekisho::gate
