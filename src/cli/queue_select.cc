#include "cli/queue_select.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"
#include "queue/queue_id.h"
#include "queue/spool.h"

#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <utility>

namespace sekisho::cli {
namespace {

// Of one line; as many as the journal gives at once.
constexpr std::size_t kLineMessagesMax = 10'000;

constexpr std::array kNames = {
    "queue_id", "ids", "account", "line", "sender", "recipient", "domain", "client", "held", "older"
};

Status take_ids(const Json& request, queue::Filter& filter) {
    Json ids = request.value("ids", Json::array());
    if (request.contains("queue_id")) {
        ids.push_back(request["queue_id"]);
    }
    for (const Json& id : ids) {
        const auto number = queue::parse_queue_id(id.get<std::string>());
        if (!number) {
            return fail(
                Errc::Invalid, "\"" + printable(id.get<std::string>(), 40) + "\" is no queue id"
            );
        }
        filter.ids.insert(queue::format_queue_id(*number));
    }
    return {};
}

Status take_line(const std::string& line, event::Journal& journal, queue::Filter& filter) {
    event::Query query;
    query.line = line;
    query.kinds = {event::Kind::Accepted};
    query.limit = kLineMessagesMax;
    const auto found = journal.find(query);
    if (!found) {
        return fail(found.error());
    }
    std::set<std::string> of_line;
    for (const event::Event& one : *found) {
        if (filter.ids.empty() || filter.ids.contains(one.queue_id)) {
            of_line.insert(one.queue_id);
        }
    }
    if (of_line.empty()) {
        return fail(Errc::NotFound, "no message of the line " + printable(line) + " is recorded");
    }
    filter.ids = std::move(of_line);
    return {};
}

}  // namespace

Result<queue::Filter> parse_selector(const Json& request, event::Journal& journal) {
    queue::Filter filter;
    if (Status taken = take_ids(request, filter); !taken) {
        return fail(taken.error());
    }
    filter.account = request.value("account", "");
    filter.sender = request.value("sender", "");
    filter.recipient = request.value("recipient", "");
    filter.domain = request.value("domain", "");
    filter.client = request.value("client", "");
    filter.after = request.value("after", "");
    filter.limit = request.value("limit", filter.limit);
    if (request.contains("held")) {
        filter.held = request["held"].get<bool>();
    }
    if (const std::string older = request.value("older", ""); !older.empty()) {
        const auto at = parse_rfc3339(older);
        if (!at) {
            return fail(Errc::Invalid, "\"older\" is a time such as 2026-11-24T13:00:00Z");
        }
        filter.accepted_before = *at;
    }
    if (const std::string line = request.value("line", ""); !line.empty()) {
        if (Status taken = take_line(line, journal, filter); !taken) {
            return fail(taken.error());
        }
    }
    return filter;
}

bool selects(const Json& request) {
    for (const char* name : kNames) {
        if (request.contains(name)) {
            return true;
        }
    }
    return false;
}

std::string selector_text(const Json& request) {
    std::string text;
    for (const char* name : kNames) {
        if (!request.contains(name)) {
            continue;
        }
        const Json& value = request[name];
        text += text.empty() ? "" : ", ";
        text += std::string(name) + " ";
        text += value.is_string() ? value.get<std::string>() : value.dump();
    }
    return printable(text.empty() ? "everything" : text, 500);
}

}  // namespace sekisho::cli
