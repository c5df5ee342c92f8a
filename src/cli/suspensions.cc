#include "cli/suspensions.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"
#include "queue/spool.h"
#include "queue/suspension.h"
#include "store/store.h"

#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

using queue::Suspension;

constexpr const char* kSetting = "queue_suspensions";

std::optional<Suspension> from_json(const Json& row) {
    Suspension suspension;
    const std::string of = row.value("of", "");
    if (of != "account" && of != "domain") {
        return std::nullopt;
    }
    suspension.of = of == "account" ? Suspension::Of::Account : Suspension::Of::Domain;
    suspension.name = row.value("name", "");
    const auto since = parse_rfc3339(row.value("since", ""));
    suspension.since = since.value_or(Time{});
    if (row.contains("until")) {
        suspension.until = parse_rfc3339(row["until"].get<std::string>());
        if (!suspension.until) {
            return std::nullopt;
        }
    }
    suspension.who = row.value("who", "");
    suspension.reason = row.value("reason", "");
    return suspension.name.empty() ? std::nullopt : std::optional(std::move(suspension));
}

// Account or domain of a request, the rest empty.
Result<Suspension> target(const Json& request) {
    Suspension suspension;
    const std::string account = request.value("account", "");
    const std::string domain = to_lower(request.value("domain", ""));
    if (account.empty() == domain.empty()) {
        return fail(Errc::Invalid, "give an account or a domain");
    }
    suspension.of = account.empty() ? Suspension::Of::Domain : Suspension::Of::Account;
    suspension.name = account.empty() ? domain : account;
    constexpr std::size_t kNameMax = 320;
    if (suspension.name.size() > kNameMax ||
        printable(suspension.name, kNameMax) != suspension.name) {
        return fail(Errc::Invalid, "\"" + printable(suspension.name, 80) + "\" is no name");
    }
    return suspension;
}

std::string describe(const Suspension& suspension) {
    return std::string(name(suspension.of)) + " " + suspension.name;
}

}  // namespace

Json to_json(const Suspension& suspension) {
    Json row{
        {"of", name(suspension.of)},
        {"name", suspension.name},
        {"since", rfc3339(suspension.since)},
        {"who", suspension.who},
        {"reason", suspension.reason},
    };
    if (suspension.until) {
        row["until"] = rfc3339(*suspension.until);
    }
    return row;
}

Status SuspensionKeeper::load() {
    const auto kept = store_.setting(kSetting);
    if (!kept) {
        return fail(kept.error());
    }
    if (!*kept) {
        return {};
    }
    const Json rows = Json::parse(**kept, nullptr, false);
    if (!rows.is_array()) {
        return fail(Errc::Corrupt, "the list of suspensions in the database can't be read");
    }
    for (const Json& row : rows) {
        auto suspension = row.is_object() ? from_json(row) : std::nullopt;
        if (!suspension) {
            return fail(Errc::Corrupt, "a suspension in the database can't be read: " + row.dump());
        }
        table_.set(std::move(*suspension));
    }
    return {};
}

Status SuspensionKeeper::save(const queue::Suspensions& table) {
    Json rows = Json::array();
    for (const Suspension& suspension : table.list()) {
        rows.push_back(to_json(suspension));
    }
    return store_.set_setting(kSetting, rows.dump());
}

void SuspensionKeeper::journal(
    const Suspension& suspension, event::Kind kind, const std::string& detail
) {
    event::Event row;
    row.at = now();
    row.kind = kind;
    if (suspension.of == Suspension::Of::Account) {
        row.account = suspension.name;
    }
    row.rule = "suspension";
    row.detail = printable(describe(suspension) + " " + detail, 1000);
    log::info(
        "QUEUE_SUSPENSION", row.detail, {{"of", name(suspension.of)}, {"name", suspension.name}}
    );
    store_.journal().append(std::move(row));
}

Result<Json> SuspensionKeeper::suspend(const Json& request) {
    auto suspension = target(request);
    if (!suspension) {
        return fail(suspension.error());
    }
    suspension->since = now();
    suspension->who = printable(request.value("who", ""), 100);
    suspension->reason = printable(request.value("reason", ""), 500);
    if (const std::string until = request.value("until", ""); !until.empty()) {
        suspension->until = parse_rfc3339(until);
        if (!suspension->until || *suspension->until <= suspension->since) {
            return fail(Errc::Invalid, "\"until\" is a time to come, such as 2026-11-24T13:00:00Z");
        }
    }
    const std::scoped_lock lock(mutex_);
    queue::Suspensions next;
    for (Suspension& one : table_.list()) {
        next.set(std::move(one));
    }
    next.set(*suspension);
    if (Status saved = save(next); !saved) {
        return fail(saved.error());
    }
    std::string detail = "suspended by " + suspension->who;
    detail += suspension->until ? " until " + rfc3339(*suspension->until) : "";
    detail += suspension->reason.empty() ? "" : ": " + suspension->reason;
    journal(*suspension, event::Kind::Held, detail);
    const std::string text = describe(*suspension) + ": suspended";
    table_.set(std::move(*suspension));
    return Json{{"text", text}};
}

Result<Json> SuspensionKeeper::resume(const Json& request) {
    const auto suspension = target(request);
    if (!suspension) {
        return fail(suspension.error());
    }
    {
        const std::scoped_lock lock(mutex_);
        queue::Suspensions next;
        for (Suspension& one : table_.list()) {
            next.set(std::move(one));
        }
        if (!next.remove(suspension->of, suspension->name)) {
            return fail(Errc::NotFound, describe(*suspension) + " is not suspended");
        }
        if (Status saved = save(next); !saved) {
            return fail(saved.error());
        }
        table_.remove(suspension->of, suspension->name);
    }
    const std::string reason = printable(request.value("reason", ""), 500);
    journal(
        *suspension,
        event::Kind::Released,
        "resumed by " + printable(request.value("who", ""), 100) +
            (reason.empty() ? "" : ": " + reason)
    );
    try_again(*suspension);
    return Json{{"text", describe(*suspension) + ": resumed"}};
}

Json SuspensionKeeper::list() const {
    Json rows = Json::array();
    for (const Suspension& suspension : table_.list()) {
        rows.push_back(to_json(suspension));
    }
    return rows;
}

void SuspensionKeeper::tick(Time now) {
    std::vector<Suspension> over;
    {
        const std::scoped_lock lock(mutex_);
        over = table_.remove_over(now);
        if (over.empty()) {
            return;
        }
        if (const Status saved = save(table_); !saved) {
            // They carry their end with them: read again, they are over at once.
            log::warning(
                "QUEUE_SUSPENSION_NOT_SAVED",
                "suspensions that are over stay in the database",
                {{"error", saved.error().message}}
            );
        }
    }
    for (const Suspension& suspension : over) {
        journal(suspension, event::Kind::Released, "no longer suspended: its time is over");
        try_again(suspension);
    }
}

// What was given back is looked at again within the hour anyway; this makes it at once.
void SuspensionKeeper::try_again(const Suspension& suspension) {
    queue::Filter filter;
    (suspension.of == Suspension::Of::Account ? filter.account : filter.domain) = suspension.name;
    filter.held = false;
    filter.in_delivery = false;
    filter.limit = std::numeric_limits<std::size_t>::max();
    constexpr std::size_t kAtOnce = 1000;
    queue::Order order;
    order.action = queue::Order::Action::Retry;
    order.at = now();
    std::vector<std::string> ids;
    const auto flush = [&] {
        static_cast<void>(spool_.act(order, ids));  // one that is tried or gone meanwhile is fine
        ids.clear();
    };
    spool_.visit(filter, [&](queue::Entry entry) {
        ids.push_back(std::move(entry.envelope.queue_id));
        if (ids.size() == kAtOnce) {
            flush();
        }
        return true;
    });
    flush();
}

}  // namespace sekisho::cli
