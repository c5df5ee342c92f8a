// What shows something: the state of the system, the journal, messages, lines, accounts.
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "desk/api.h"
#include "desk/handlers.h"
#include "desk/json.h"
#include "desk/lookup.h"
#include "event/event.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::desk {
namespace {

constexpr std::int64_t kStepsShown = 48;

Json totals_since(const Context& context, Time since, bool& readable) {
    Json totals = Json::object();
    const auto counted = context.journal.totals(since);
    readable = counted.has_value();
    if (counted) {
        for (const auto& [kind, count] : *counted) {
            totals[std::string(event::name(kind))] = count;
        }
    }
    return totals;
}

Result<event::Query> event_query(const Call& call) {
    event::Query query;
    const std::pair<const char*, std::optional<std::string> event::Query::*> texts[] = {
        {"address", &event::Query::address},
        {"line", &event::Query::line},
        {"account", &event::Query::account},
        {"queue_id", &event::Query::queue_id},
        {"message_id", &event::Query::message_id},
        {"recipient", &event::Query::recipient},
        {"reference", &event::Query::reference},
    };
    for (const auto& [name, member] : texts) {
        if (const std::string value = call.text(name); !value.empty()) {
            query.*member = value;
        }
    }
    const std::string kinds = call.text("kind");
    for (const std::string_view part : split(kinds, ',')) {
        if (trim(part).empty()) {
            continue;
        }
        const auto kind = event::parse_kind(trim(part));
        if (!kind) {
            return fail(Errc::Invalid, "unknown kind " + printable(part));
        }
        query.kinds.push_back(*kind);
    }
    query.since = call.time("since");
    query.until = call.time("until");
    query.newest_first = call.text("order") != "oldest";
    if (const std::string cursor = call.text("cursor"); !cursor.empty()) {
        const std::int64_t id = call.number("cursor", 0);
        if (id < 1 || std::to_string(id) != cursor) {
            return fail(Errc::Invalid, "cursor is none that was given: " + printable(cursor));
        }
        (query.newest_first ? query.before_id : query.after_id) = id;
    }
    query.limit = static_cast<std::size_t>(call.number("limit", 100));
    return query;
}

}  // namespace

ApiAnswer get_status(const Call& call) {
    const Context& context = call.context;
    Json roles = Json::object();
    for (const char* role : {"gate", "mail"}) {
        const auto found = ask_role(context.control, role, Json{{"command", "status"}});
        roles[role] = found ? Json{{"up", true}, {"status", *found}}
                            : Json{{"up", false}, {"error", found.error().message}};
    }
    bool readable = false;
    Json totals = totals_since(context, context.now - std::chrono::hours{24}, readable);
    ApiAnswer answer;
    answer.body = Json{
        {"version", SEKISHO_VERSION},
        {"provider", context.snapshot.config.provider.name},
        {"now", rfc3339(context.now)},
        {"started", rfc3339(context.started)},
        {"roles", std::move(roles)},
        {"events_24h", std::move(totals)},
        {"journal_up", readable},
        {"policy", get_policy(call).body}
    };
    return answer;
}

ApiAnswer get_history(const Call& call) {
    const std::chrono::hours span{call.number("hours", 24)};
    const Duration step = std::chrono::duration_cast<Duration>(span) / kStepsShown;
    // Whole steps since 1970, so that a reload shows the same bars.
    const Time end = from_ms((to_ms(call.context.now) / step.count() + 1) * step.count());
    const Time since = end - step * kStepsShown;
    const auto found = call.context.journal.tally(since, step);
    if (!found) {
        return problem_of(found.error());
    }
    Json kinds = Json::object();
    for (const event::Tally& one : *found) {
        Json& row = kinds[std::string(event::name(one.kind))];
        if (row.is_null()) {
            row = std::vector<std::int64_t>(kStepsShown, 0);
        }
        if (one.step >= 0 && one.step < kStepsShown) {
            row[static_cast<std::size_t>(one.step)] = one.count;
        }
    }
    ApiAnswer answer;
    answer.body = Json{
        {"since", rfc3339(since)},
        {"step_seconds", std::chrono::duration_cast<std::chrono::seconds>(step).count()},
        {"kinds", std::move(kinds)}
    };
    return answer;
}

// One event and the end: a stream that stayed open would hold a worker. The browser comes back by
// itself, with the time of what it has.
ApiAnswer watch(const Call& call) {
    constexpr int kAgainMs = 5000;
    const auto last = call.request.headers.find("last-event-id");
    Time since = call.context.now - std::chrono::seconds{10};
    if (last != call.request.headers.end()) {
        if (const auto at = parse_rfc3339(last->second);
            at && *at > since - std::chrono::hours{1}) {
            since = *at;
        }
    }
    bool readable = false;
    Json roles = Json::object();
    for (const char* role : {"gate", "mail"}) {
        roles[role] = ask_role(call.context.control, role, Json{{"command", "status"}}).has_value();
    }
    const Json data{
        {"since", rfc3339(since)},
        {"now", rfc3339(call.context.now)},
        {"events", totals_since(call.context, since, readable)},
        {"roles", std::move(roles)},
        {"journal_up", readable}
    };
    ApiAnswer answer;
    answer.stream = fmt::format(
        "retry: {}\nid: {}\nevent: totals\ndata: {}\n\n",
        kAgainMs,
        rfc3339(call.context.now),
        dump(data)
    );
    return answer;
}

ApiAnswer look_events(const Call& call) {
    const auto wanted = event_query(call);
    if (!wanted) {
        return problem_of(wanted.error());
    }
    const auto found = call.context.journal.find(*wanted);
    if (!found) {
        return problem_of(found.error());
    }
    ApiAnswer answer;
    answer.body = Json{{"events", to_json(*found)}};
    if (found->size() == wanted->limit) {
        answer.next = std::to_string(found->back().id);
    }
    return answer;
}

ApiAnswer look_trace(const Call& call) {
    return answered(trace(call.context, call.text("id")));
}

ApiAnswer look_subscriber(const Call& call) {
    return answered(
        subscriber(call.context, call.text("q"), call.time("at").value_or(call.context.now))
    );
}

ApiAnswer look_line(const Call& call) {
    const auto address = IpAddress::parse(call.text("address"));
    if (!address) {
        return problem_of(address.error());
    }
    return answered(line_at(call.context, *address, call.time("at").value_or(call.context.now)));
}

ApiAnswer look_accounts(const Call& call) {
    auto all = call.context.accounts.list();
    if (!all) {
        return problem_of(all.error());
    }
    std::ranges::sort(*all, {}, &account::Account::login);
    const std::string after = call.text("cursor");
    const auto limit = static_cast<std::size_t>(call.number("limit", 100));
    ApiAnswer answer;
    Json list = Json::array();
    for (const account::Account& account : *all) {
        if (account.login <= after) {
            continue;
        }
        if (list.size() == limit) {
            answer.next = list.back()["login"].get<std::string>();
            break;
        }
        list.push_back(to_json(account));
    }
    answer.body = Json{{"accounts", std::move(list)}};
    return answer;
}

}  // namespace sekisho::desk
