#include "cli/queue_control.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "cli/queue_compact.h"
#include "cli/queue_select.h"
#include "cli/queue_stats.h"
#include "cli/suspensions.h"
#include "delivery/dismiss.h"
#include "delivery/notices.h"
#include "delivery/route.h"
#include "event/event.h"
#include "queue/spool.h"
#include "queue/suspension.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

std::string_view state_name(queue::RecipientState state) {
    switch (state) {
        case queue::RecipientState::Pending:
            return "pending";
        case queue::RecipientState::Delivered:
            return "delivered";
        case queue::RecipientState::Bounced:
            return "bounced";
        case queue::RecipientState::Dropped:
            return "dropped";
    }
    return "unknown";
}

Json to_json(const queue::Entry& entry) {
    const queue::Envelope& e = entry.envelope;
    Json recipients = Json::array();
    for (const queue::Recipient& one : e.recipients) {
        recipients.push_back(
            {{"address", one.address},
             {"state", state_name(one.state)},
             {"last_reply", one.last_reply}}
        );
    }
    const char* state = entry.held ? "held" : entry.in_delivery ? "in delivery" : "waiting";
    return Json{
        {"queue_id", e.queue_id},
        {"state", state},
        {"grade", queue::name(entry.grade)},
        {"hold_reason", entry.hold_reason},
        {"route", e.route},
        {"sender", e.reverse_path},
        {"account", e.account},
        {"client", e.client},
        {"message_id", e.message_id},
        {"size", e.size},
        {"accepted", rfc3339(e.accepted)},
        {"due", rfc3339(entry.due)},
        {"expires", rfc3339(entry.expires)},
        {"attempts", entry.attempts},
        {"recipients", std::move(recipients)},
    };
}

struct Verb {
    const char* name;
    queue::Order::Action action;
    event::Kind kind;
    const char* text;
};
using Action = queue::Order::Action;
constexpr std::array kVerbs = {
    Verb{"queue-retry", Action::Retry, event::Kind::Released, "to be tried now"},
    Verb{"queue-hold", Action::Hold, event::Kind::Held, "held"},
    Verb{"queue-release", Action::Release, event::Kind::Released, "released"},
    Verb{"queue-drop", Action::Drop, event::Kind::Dropped, "dropped"},
    Verb{"queue-reroute", Action::Reroute, event::Kind::Released, "rerouted"},
};

// With what has stopped it, when that isn't its own.
Json described(const QueueDeps& deps, const queue::Entry& entry) {
    using Of = queue::Suspension::Of;
    Json row = to_json(entry);
    const queue::Suspensions& table = deps.suspensions.table();
    if (entry.held || entry.in_delivery || table.empty()) {
        return row;
    }
    const Time at = now();
    auto found = table.find(Of::Account, entry.envelope.account, at);
    for (const queue::Recipient& to : entry.envelope.recipients) {
        const std::size_t sign = to.address.rfind('@');
        if (!found && to.state == queue::RecipientState::Pending && sign != std::string::npos) {
            found = table.find(Of::Domain, to_lower(to.address.substr(sign + 1)), at);
        }
    }
    if (found) {
        row["state"] = "suspended";
        row["hold_reason"] = std::string(queue::name(found->of)) + " " + found->name +
                             (found->reason.empty() ? "" : ": " + found->reason);
    }
    return row;
}

Result<Json> list(const QueueDeps& deps, const Json& request) {
    const auto filter = parse_selector(request, deps.journal);
    if (!filter) {
        return fail(filter.error());
    }
    Json rows = Json::array();
    std::string last;
    deps.spool.visit(*filter, [&](const queue::Entry& entry) {
        rows.push_back(described(deps, entry));
        last = entry.envelope.queue_id;
        return true;
    });
    Json answer{{"messages", rows}, {"queued", deps.spool.counters().queued}};
    if (rows.size() == filter->limit) {
        answer["next_after"] = last;
    }
    return answer;
}

Result<Json> count(const QueueDeps& deps, const Json& request) {
    constexpr std::size_t kSample = 10;
    auto filter = parse_selector(request, deps.journal);
    if (!filter) {
        return fail(filter.error());
    }
    filter->limit = std::numeric_limits<std::size_t>::max();
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t recipients = 0;
    std::uint64_t held = 0;
    Json sample = Json::array();
    const Time as_of = now();
    deps.spool.visit(*filter, [&](const queue::Entry& entry) {
        ++messages;
        bytes += entry.envelope.size;
        held += entry.held ? 1 : 0;
        recipients += static_cast<std::uint64_t>(std::ranges::count(
            entry.envelope.recipients, queue::RecipientState::Pending, &queue::Recipient::state
        ));
        if (sample.size() < kSample) {
            sample.push_back(described(deps, entry));
        }
        return true;
    });
    return Json{
        {"count", messages},
        {"bytes", bytes},
        {"recipients", recipients},
        {"held", held},
        {"sample", std::move(sample)},
        {"as_of", rfc3339(as_of)},
    };
}

Result<Json> stats(const QueueDeps& deps, const Json& request) {
    constexpr std::size_t kShown = 50;
    auto filter = parse_selector(request, deps.journal);
    if (!filter) {
        return fail(filter.error());
    }
    filter->limit = std::numeric_limits<std::size_t>::max();
    QueueStats stats;
    const queue::Suspensions& table = deps.suspensions.table();
    const QueueStats::Suspended suspended =
        [&table, at = now()](const queue::Envelope& envelope, const std::string& domain) {
            using Of = queue::Suspension::Of;
            return table.find(Of::Domain, domain, at).has_value() ||
                   (!envelope.account.empty() &&
                    table.find(Of::Account, envelope.account, at).has_value());
        };
    deps.spool.visit(*filter, [&](const queue::Entry& entry) {
        stats.add(entry, suspended);
        return true;
    });
    Json out = stats.json(request.value("limit", kShown));
    out["places"] = deps.places ? deps.places() : Json::array();
    return out;
}

void record(
    const QueueDeps& deps, const Verb& verb, const queue::Entry& entry, const Json& request
) {
    event::Event row;
    row.at = now();
    row.kind = verb.kind;
    row.queue_id = entry.envelope.queue_id;
    row.account = entry.envelope.account;
    row.message_id = entry.envelope.message_id;
    row.sender = entry.envelope.reverse_path;
    const std::string who = request.value("who", "");
    const std::string reason = request.value("reason", "");
    row.detail = verb.text;
    row.detail += verb.action == Action::Reroute ? " to " + request.value("route", "") : "";
    row.detail += request.value("bounce", false) ? ", its sender told" : "";
    row.detail += who.empty() ? "" : " by " + who;
    row.detail += reason.empty() ? "" : ": " + reason;
    row.detail = printable(row.detail, 1000);
    deps.journal.append(std::move(row));
}

std::vector<Status> perform(
    const QueueDeps& deps,
    const Verb& verb,
    const std::vector<queue::Entry>& entries,
    const Json& request
) {
    const std::string reason = request.value("reason", "");
    if (verb.action == Action::Drop && request.value("bounce", false)) {
        std::vector<Status> done;
        const delivery::NoticeOptions options = deps.notices();
        for (const queue::Entry& entry : entries) {
            done.push_back(delivery::dismiss(
                {deps.spool, options, deps.signer},
                entry,
                reason.empty() ? "The mail provider has removed the message" : reason,
                now()
            ));
        }
        return done;
    }
    queue::Order order;
    order.action = verb.action;
    order.reason = reason.empty() ? "by an operator" : reason;
    order.route = request.value("route", "");
    order.at = now();
    std::vector<std::string> ids;
    ids.reserve(entries.size());
    for (const queue::Entry& entry : entries) {
        ids.push_back(entry.envelope.queue_id);
    }
    return deps.spool.act(order, ids);
}

// A route that can't be one would leave the messages where no try helps.
Status check(const QueueDeps& deps, const Verb& verb, const Json& request) {
    const std::string route = request.value("route", "");
    if (verb.action == Action::Reroute && !delivery::parse_host(route) &&
        !(deps.is_route && deps.is_route(route))) {
        return fail(
            Errc::Invalid,
            "\"" + printable(route, 80) +
                "\" is neither HOST:PORT of another server nor the name of a [[route]]"
        );
    }
    return {};
}

Result<Json> act_on_one(const QueueDeps& deps, const Verb& verb, const Json& request) {
    const std::string id = request.value("queue_id", "");
    const auto entry = deps.spool.show(id);
    if (!entry) {
        return fail(entry.error());
    }
    if (const Status done = perform(deps, verb, {*entry}, request).front(); !done) {
        return fail(done.error());
    }
    record(deps, verb, *entry, request);
    return Json{{"queue_id", id}, {"text", id + ": " + verb.text}};
}

Result<Json> act_on_many(const QueueDeps& deps, const Verb& verb, const Json& request) {
    const Json& ids = request["ids"];
    if (!ids.is_array() || ids.size() > kActMax) {
        return fail(
            Errc::Invalid,
            "\"ids\" is an array of at most " + std::to_string(kActMax) + " queue ids"
        );
    }
    std::vector<queue::Entry> entries;
    Json failed = Json::array();
    const auto tell = [&failed](const std::string& id, const Error& error) {
        failed.push_back({{"queue_id", id}, {"error", error.message}});
    };
    for (const Json& one : ids) {
        const auto id = one.get<std::string>();
        if (auto entry = deps.spool.show(id)) {
            entries.push_back(std::move(*entry));
        } else {
            tell(id, entry.error());
        }
    }
    const std::vector<Status> done = perform(deps, verb, entries, request);
    std::size_t count = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (!done[i]) {
            tell(entries[i].envelope.queue_id, done[i].error());
            continue;
        }
        ++count;
        record(deps, verb, entries[i], request);
    }
    log::info(
        "QUEUE_ORDER",
        "an operator acted on queued messages",
        {{"what", verb.text},
         {"count", count},
         {"selector", request.value("selector", "")},
         {"who", printable(request.value("who", ""))},
         {"reason", printable(request.value("reason", ""))}}
    );
    return Json{{"done", count}, {"failed", std::move(failed)}};
}

}  // namespace

Json to_json(const queue::Spool::Counters& c) {
    return Json{
        {"queued", c.queued},
        {"held", c.held},
        {"in_delivery", c.in_delivery},
        {"scheduled", c.scheduled},
        {"damaged", c.damaged},
        {"appended_total", c.appended_total},
        {"commits_total", c.commits_total},
        {"synced_bytes_total", c.synced_bytes_total},
        {"acks_before_durable_total", c.acks_before_durable_total},
        {"append_failures_total", c.append_failures_total},
        {"write_errors_total", c.write_errors_total},
        {"segments", c.segments},
        {"segment_bytes", c.segment_bytes},
        {"live_bytes", c.live_bytes},
        {"writable", c.writable},
    };
}

Result<Json> queue_command(const QueueDeps& deps, const std::string& name, const Json& request) {
    if (name == "queue-list") {
        return list(deps, request);
    }
    if (name == "queue-count") {
        return count(deps, request);
    }
    if (name == "queue-stats") {
        return stats(deps, request);
    }
    if (name == "queue-compact") {
        return compact_command(deps.spool, request);
    }
    if (name == "queue-suspend") {
        return deps.suspensions.suspend(request);
    }
    if (name == "queue-resume") {
        return deps.suspensions.resume(request);
    }
    if (name == "queue-suspensions") {
        return Json{{"suspensions", deps.suspensions.list()}};
    }
    if (name == "queue-show") {
        const auto entry = deps.spool.show(request.value("queue_id", ""));
        if (!entry) {
            return fail(entry.error());
        }
        return described(deps, *entry);
    }
    const auto* const verb = std::ranges::find(kVerbs, name, &Verb::name);
    if (verb == kVerbs.end()) {
        return fail(Errc::NotFound, "the mail server knows no command \"" + name + "\"");
    }
    if (Status right = check(deps, *verb, request); !right) {
        return fail(right.error());
    }
    return request.contains("ids") ? act_on_many(deps, *verb, request)
                                   : act_on_one(deps, *verb, request);
}

}  // namespace sekisho::cli
