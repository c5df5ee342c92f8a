#include "evidence/custody.h"

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "evidence/check.h"
#include "evidence/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::evidence {
namespace {

void tell(
    const Custody& custody, event::Kind kind, const Case& one, Time at, const std::string& what
) {
    event::Event row;
    row.at = at;
    row.kind = kind;
    row.line = one.line;
    row.address = one.prefix ? one.prefix->address().text() : std::string();
    row.detail = fmt::format("evidence {} of {}: {}", one.id, one.target(), what);
    custody.journal.append(std::move(row));
}

Result<std::int64_t> erase_records(
    const Custody& custody, const Case& one, Time at, const std::string& why
) {
    const auto gone = custody.store.erase(one.id);
    if (gone) {
        tell(
            custody,
            event::Kind::EvidenceErased,
            one,
            at,
            fmt::format("{} records erased, {}", *gone, why)
        );
    }
    return gone;
}

}  // namespace

Result<Case> begin(const Custody& custody, Case one, const Limits& limits, Duration keep) {
    if (Status good = check(one, limits); !good) {
        return fail(good.error());
    }
    one.erase_at = one.expires + keep;
    const auto id = custody.store.add(one);
    if (!id) {
        return fail(id.error());
    }
    one.id = *id;
    tell(
        custody,
        event::Kind::EvidenceBegun,
        one,
        one.begun,
        fmt::format("recorded until {}, by {}: {}", rfc3339(one.expires), one.actor, one.reason)
    );
    return one;
}

Result<Shown> show(
    const Custody& custody, std::int64_t id, std::string_view actor, std::size_t limit, Time now
) {
    if (actor.empty()) {
        return fail(Errc::Invalid, "evidence is shown to somebody: name the actor");
    }
    auto found = custody.store.find(id);
    if (!found) {
        return fail(found.error());
    }
    if (found->erased || found->erase_at <= now) {
        return fail(
            Errc::NotFound,
            fmt::format(
                "the records of evidence {} were due to go at {}", id, rfc3339(found->erase_at)
            )
        );
    }
    tell(custody, event::Kind::EvidenceShown, *found, now, fmt::format("shown to {}", actor));
    if (Status written = custody.journal.flush(); !written) {
        return fail(
            written.error().code,
            "not shown, because it can't be written that it was: " + written.error().message
        );
    }
    auto records = custody.store.records(id, limit);
    if (!records) {
        return fail(records.error());
    }
    return Shown{std::move(*found), std::move(*records)};
}

Result<Stopped> stop(
    const Custody& custody,
    std::int64_t id,
    std::string_view actor,
    bool erase,
    Duration keep,
    Time now
) {
    if (actor.empty()) {
        return fail(Errc::Invalid, "somebody stops evidence: name the actor");
    }
    auto found = custody.store.find(id);
    if (!found) {
        return fail(found.error());
    }
    const bool living = found->alive(now);
    if (!living && (!erase || found->erased)) {
        return fail(Errc::Conflict, fmt::format("evidence {} has ended already", id));
    }
    if (living) {
        const Time erase_at = std::min(found->erase_at, now + keep);
        const auto stopped = custody.store.stop(id, now, actor, erase_at);
        if (!stopped) {
            return fail(stopped.error());
        }
        if (*stopped) {
            tell(
                custody,
                event::Kind::EvidenceStopped,
                *found,
                now,
                fmt::format("stopped by {}", actor)
            );
        }
    }
    Stopped out;
    if (erase) {
        const auto gone = erase_records(custody, *found, now, fmt::format("by {}", actor));
        if (!gone) {
            return fail(gone.error());
        }
        out.erased = *gone;
    }
    auto after = custody.store.find(id);
    if (!after) {
        return fail(after.error());
    }
    out.one = std::move(*after);
    return out;
}

Result<std::size_t> erase_due(const Custody& custody, Time now) {
    const auto due = custody.store.due(now);
    if (!due) {
        return fail(due.error());
    }
    for (const Case& one : *due) {
        if (const auto gone = erase_records(custody, one, now, "their time is over"); !gone) {
            return fail(gone.error());
        }
    }
    return due->size();
}

}  // namespace sekisho::evidence
