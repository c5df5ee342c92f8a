#include "desk/trace.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "desk/json.h"
#include "desk/lookup.h"
#include "event/event.h"
#include "message/cause.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::desk {
namespace {

constexpr std::size_t kEventsMax = 1000;
constexpr std::size_t kMessagesMax = 50;  // one Message-ID can be sent many times

using Events = std::vector<event::Event>;

std::string with_brackets(std::string_view id) {
    const bool has = id.starts_with('<') && id.ends_with('>');
    return has ? std::string(id) : "<" + std::string(id) + ">";
}

const char* state_of(event::Kind kind) {
    switch (kind) {
        case event::Kind::Delivered:
            return "delivered";
        case event::Kind::Bounced:
            return "bounced";
        case event::Kind::Expired:
            return "expired";
        case event::Kind::Dropped:
            return "dropped";
        case event::Kind::Deferred:
            return "deferred";
        default:
            return nullptr;
    }
}

// The detail of an event without what delivery says behind it of the next try.
std::pair<std::string, std::string> parts(const std::string& detail) {
    constexpr std::string_view kMark = "; next try ";
    const std::size_t at = detail.rfind(kMark);
    return at == std::string::npos
               ? std::pair(detail, std::string())
               : std::pair(detail.substr(0, at), detail.substr(at + kMark.size()));
}

Result<Events> by(
    event::Journal& journal,
    std::optional<std::string> event::Query::* field,
    const std::string& value
) {
    event::Query query;
    query.*field = value;
    query.limit = kEventsMax;
    query.newest_first = false;
    return journal.find(query);
}

}  // namespace

Json message_of(const std::string& queue_id, const Events& events) {
    Json message{{"queue_id", queue_id}, {"events", to_json(events)}};
    std::map<std::string, Json> recipients;
    bool held = false;
    bool dropped = false;
    for (const event::Event& event : events) {
        const auto note = [&](const char* key, const std::string& value) {
            if (!value.empty()) {
                message[key] = value;
            }
        };
        note("message_id", event.message_id);
        note("account", event.account);
        if (event.kind == event::Kind::Accepted) {
            note("sender", event.sender);
            note("client", event.address);
            note("line", event.line);
            message["accepted"] = rfc3339(event.at);
        }
        held = event.kind == event::Kind::Held || (held && event.kind != event::Kind::Released);
        dropped = dropped || event.kind == event::Kind::Dropped;
        if (event.recipient.empty()) {
            continue;
        }
        Json& recipient = recipients[event.recipient];
        recipient["address"] = event.recipient;
        if (const char* state = state_of(event.kind)) {
            recipient["state"] = state;
            const auto [reply, next_try] = parts(event.detail);
            recipient["reply"] = reply;
            if (const std::string cause = message::plain_cause(reply); !cause.empty()) {
                recipient["cause"] = cause;
            } else {
                recipient.erase("cause");
            }
            recipient.erase("next_try");
            if (!next_try.empty()) {
                recipient["next_try"] = next_try;
            }
            recipient["at"] = rfc3339(event.at);
            recipient["tries"] = recipient.value("tries", 0) + 1;
        } else if (!recipient.contains("state")) {
            recipient["state"] = "queued";
        }
    }
    Json list = Json::array();
    bool waiting = recipients.empty();
    for (auto& [address, recipient] : recipients) {
        waiting = waiting || recipient["state"] == "queued" || recipient["state"] == "deferred";
        list.push_back(std::move(recipient));
    }
    message["recipients"] = std::move(list);
    message["state"] = dropped ? "dropped" : held ? "held" : waiting ? "waiting" : "finished";
    return message;
}

Result<Traced> trace_messages(
    event::Journal& journal, event::Query query, std::size_t messages_max
) {
    query.limit = kEventsMax;
    const auto found = journal.find(query);
    if (!found) {
        return fail(found.error());
    }
    Traced traced;
    std::vector<std::string> queue_ids;
    for (const event::Event& event : *found) {
        if (event.queue_id.empty()) {
            traced.loose.push_back(event);
        } else if (std::ranges::find(queue_ids, event.queue_id) == queue_ids.end()) {
            queue_ids.push_back(event.queue_id);
        }
    }
    traced.cut = queue_ids.size() > messages_max || found->size() == kEventsMax;
    // Ids sort by age.
    std::ranges::sort(queue_ids, std::greater<>());
    queue_ids.resize(std::min(queue_ids.size(), messages_max));
    for (const std::string& queue_id : queue_ids) {
        const auto events = by(journal, &event::Query::queue_id, queue_id);
        if (!events) {
            return fail(events.error());
        }
        traced.messages.push_back(message_of(queue_id, *events));
    }
    return traced;
}

Result<Json> trace(const Context& context, std::string_view input) {
    const std::string id{trim(input)};
    if (id.empty() || id.size() > 1000) {
        return fail(Errc::Invalid, "give a Message-ID, a queue id or a reference number");
    }
    struct Way {
        const char* name;
        std::optional<std::string> event::Query::* field;
        std::string value;
    };
    std::vector<Way> ways;
    if (id.contains('@')) {
        ways.push_back({"message-id", &event::Query::message_id, with_brackets(id)});
    } else {
        ways.push_back({"queue-id", &event::Query::queue_id, id});
        ways.push_back({"reference", &event::Query::reference, id});
    }
    for (const Way& way : ways) {
        event::Query query;
        query.*way.field = way.value;
        query.newest_first = false;
        const auto found = trace_messages(context.journal, query, kMessagesMax);
        if (!found) {
            return fail(found.error());
        }
        if (found->messages.empty() && found->loose.empty()) {
            continue;
        }
        Json answer{{"query", id}, {"read_as", way.name}, {"messages", found->messages}};
        answer["events"] = to_json(found->loose);
        return answer;
    }
    return fail(Errc::NotFound, "nothing is recorded about " + printable(id));
}

}  // namespace sekisho::desk
