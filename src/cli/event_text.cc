#include "cli/event_text.h"

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"
#include "feed/record.h"

#include <fmt/core.h>

#include <string>
#include <vector>

namespace sekisho::cli {

Json event_json(const event::Event& e) {
    return feed::json_of(e);
}

std::string event_table(const std::vector<event::Event>& events) {
    if (events.empty()) {
        return "nothing found";
    }
    std::vector<std::vector<std::string>> rows;
    for (const event::Event& e : events) {
        std::string who = e.line.empty() ? e.account : e.line;
        who += who.empty() || e.address.empty() ? e.address : " " + e.address;
        std::string what = e.queue_id;
        if (!e.recipient.empty()) {
            what += (what.empty() ? "to " : " to ") + e.recipient;
        }
        if (!e.rule.empty()) {
            what += (what.empty() ? "" : " ") + ("rule " + e.rule);
        }
        rows.push_back(
            {rfc3339(e.at),
             std::string(event::name(e.kind)),
             who,
             what,
             e.count > 1 ? fmt::format("x{}", e.count) : "",
             e.detail}
        );
    }
    return table({"TIME", "EVENT", "WHO", "WHAT", "", "DETAIL"}, rows);
}

Result<Time> parse_when(const std::string& text) {
    if (const auto ago = parse_duration(text)) {
        return now() - *ago;
    }
    if (const auto at = parse_rfc3339(text)) {
        return *at;
    }
    return fail(
        Errc::Invalid,
        "\"" + text + "\" is neither a time (2026-11-24T13:00:00Z) nor a span back from now (2h)"
    );
}

}  // namespace sekisho::cli
