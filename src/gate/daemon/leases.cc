#include "gate/daemon/leases.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "gate/enforce/engine.h"
#include "lease/grant.h"
#include "lease/lease.h"
#include "lease/plan.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::chrono::hours kNoteChecked{1};  // how often a look-up that holds is written down

std::int64_t day_of(Time at) {
    return std::chrono::floor<std::chrono::days>(at).time_since_epoch().count();
}

}  // namespace

lease::Plan Leases::planned(const policy::Policy& policy, Time now) const {
    const auto held = [this](const std::string& line) {
        auto prefixes = lease::held_by(lines_, line);
        if (!prefixes) {
            log::warning(
                "LEASE_LINE_UNKNOWN",
                "the addresses of a leased line can't be read",
                {{"line", line}, {"error", prefixes.error().message}}
            );
            return std::vector<Prefix>{};
        }
        return std::move(*prefixes);
    };
    return lease::plan(living_, policy, held, now);
}

const lease::Lease* Leases::find(std::int64_t id) const {
    const auto at = std::find_if(living_.begin(), living_.end(), [id](const lease::Lease& one) {
        return one.id == id;
    });
    return at == living_.end() ? nullptr : &*at;
}

Result<bool> Leases::refresh(const policy::Policy& policy, Time now, bool lines_too) {
    const auto version = registry_.store.version();
    if (!version) {
        return fail(version.error());
    }
    if (*version != version_) {
        auto living = registry_.store.living();
        if (!living) {
            return fail(living.error());
        }
        living_ = std::move(*living);
        version_ = *version;
        std::set<std::int64_t> ids;
        for (const lease::Lease& one : living_) {
            ids.insert(one.id);
        }
        std::erase_if(volumes_, [&](const auto& one) { return !ids.contains(one.first); });
    } else {
        const auto concerned = [&](const lease::Lease& one) {
            return one.expires <= now || (lines_too && !one.line.empty());
        };
        if (std::none_of(living_.begin(), living_.end(), concerned)) {
            return false;
        }
    }
    std::vector<lease::Lease> expired;
    std::copy_if(
        living_.begin(),
        living_.end(),
        std::back_inserter(expired),
        [now](const lease::Lease& one) { return one.expires <= now; }
    );
    for (const lease::Lease& one : expired) {
        end(one, one.expires, "it has expired");
    }
    lease::Plan next = planned(policy, now);
    const bool changed = next.placed != plan_.placed;
    plan_ = std::move(next);
    return changed;
}

void Leases::end(const lease::Lease& lease, Time at, const std::string& why) {
    const auto ended = lease::end(registry_, lease, at, "the gate", why);
    if (!ended) {
        log::error(
            "LEASE_NOT_ENDED",
            "a lease that has come to its end is still in the database",
            {{"lease", lease.id}, {"error", ended.error().message}}
        );
    } else if (*ended) {
        log::info(
            "LEASE_ENDED",
            why,
            {{"lease", lease.id}, {"kind", name(lease.kind)}, {"target", lease.target()}}
        );
    }
    std::erase_if(living_, [id = lease.id](const lease::Lease& one) { return one.id == id; });
}

void Leases::count(const std::vector<OverrideCount>& counts, Time now) {
    std::map<Prefix, std::int64_t> owners;
    for (const lease::Placed& one : plan_.placed) {
        owners.emplace(one.over.prefix, one.lease);
    }
    for (const OverrideCount& one : counts) {
        const auto owner = owners.find(one.prefix);
        if (owner == owners.end()) {
            continue;
        }
        Volume& volume = volumes_[owner->second];
        if (volume.day != day_of(now)) {
            volume.day = day_of(now);
            volume.today = 0;
        }
        // Less than before: it was taken off and placed again meanwhile.
        std::uint64_t& seen = volume.seen[one.prefix];
        const std::uint64_t more =
            one.connections >= seen ? one.connections - seen : one.connections;
        seen = one.connections;
        volume.today += more;
        volume.all += more;
    }
    std::vector<lease::Lease> over;
    for (const lease::Lease& one : living_) {
        const std::uint32_t most = one.conditions.connections_per_day;
        const auto volume = volumes_.find(one.id);
        if (most != 0 && volume != volumes_.end() && volume->second.today > most) {
            over.push_back(one);
        }
    }
    for (const lease::Lease& one : over) {
        end(one,
            now,
            "it opened " + std::to_string(volumes_[one.id].today) +
                " connections to port 25 in a day, " +
                std::to_string(one.conditions.connections_per_day) + " are allowed");
        version_ = -1;  // to be planned again
    }
}

void Leases::looked_up(std::int64_t lease, const std::string& why_not, Time now) {
    const lease::Lease* known = find(lease);
    if (known == nullptr) {
        return;
    }
    if (!why_not.empty()) {
        end(lease::Lease(*known), now, why_not);
        version_ = -1;
    } else if (!known->checked || now - *known->checked >= kNoteChecked) {
        if (const Status noted = registry_.store.checked(lease, now); !noted) {
            log::error(
                "LEASE_CHECK_NOT_KEPT",
                "a lease's conditions hold, but that can't be written down",
                {{"lease", lease}, {"error", noted.error().message}}
            );
        }
    }
}

nlohmann::ordered_json Leases::status() const {
    using Json = nlohmann::ordered_json;
    Json out{{"exemptions", 0}, {"penalties", 0}, {"each", Json::array()}};
    for (const lease::Lease& one : living_) {
        Json& number = out[one.kind == lease::Kind::Penalty ? "penalties" : "exemptions"];
        number = number.get<int>() + 1;
        Json each{{"id", one.id}, {"prefixes", Json::array()}, {"connections", 0}};
        for (const lease::Placed& placed : plan_.placed) {
            if (placed.lease == one.id) {
                each["prefixes"].push_back(placed.over.prefix.text());
            }
        }
        for (const lease::Unplaced& unplaced : plan_.unplaced) {
            if (unplaced.lease == one.id) {
                each["why_not"] = unplaced.why;
            }
        }
        if (const auto volume = volumes_.find(one.id); volume != volumes_.end()) {
            each["connections"] = volume->second.all;
        }
        out["each"].push_back(std::move(each));
    }
    return out;
}

}  // namespace sekisho::gate
