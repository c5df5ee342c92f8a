#include "lease/plan.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "lease/check.h"
#include "lease/lease.h"
#include "line/line.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::lease {
namespace {

constexpr std::size_t kSessionsLookedAt = 64;  // of a line, newest first

class Planner {
  public:
    explicit Planner(const policy::Policy& policy) : policy_(policy) {}

    void place(const Lease& lease, const std::vector<Prefix>& prefixes) {
        const policy::Class* to = policy_.find_class(lease.class_name);
        if (to == nullptr) {
            note(lease, "the policy has no class \"" + lease.class_name + "\" any more");
            return;
        }
        if (lease.unproven()) {
            note(lease, "its conditions have not been seen to hold yet");
            return;
        }
        if (prefixes.empty()) {
            note(lease, "the line holds no address at the moment");
        }
        for (const Prefix& prefix : prefixes) {
            if (const Status fine = policy::check_override(prefix); !fine) {
                note(lease, fine.error().message);
                continue;
            }
            const std::string why =
                lease.kind == Kind::Penalty ? spared(prefix, policy_) : std::string();
            if (!why.empty()) {
                note(lease, why);
                continue;
            }
            const auto [at, fresh] = owners_.emplace(prefix, lease.id);
            if (!fresh) {
                if (at->second != lease.id) {
                    note(lease, prefix.text() + " is leased by " + std::to_string(at->second));
                }
                continue;
            }
            if (out_.placed.size() == policy::kOverridesMax) {
                note(lease, "more prefixes are leased than the gate can hold");
                continue;
            }
            const policy::ClassId id = policy_.part_of(to->id, prefix.address(), policy::kNoShare);
            out_.placed.push_back({{prefix, id, lease.expires}, lease.id});
        }
    }

    Plan take() { return std::move(out_); }

  private:
    void note(const Lease& lease, std::string why) {
        out_.unplaced.push_back({lease.id, std::move(why)});
    }

    const policy::Policy& policy_;
    std::map<Prefix, std::int64_t> owners_;
    Plan out_;
};

}  // namespace

std::vector<policy::Override> overrides_of(const std::vector<Placed>& placed) {
    std::vector<policy::Override> out;
    out.reserve(placed.size());
    for (const Placed& one : placed) {
        out.push_back(one.over);
    }
    return out;
}

Result<std::vector<Prefix>> held_by(line::LineStore& lines, const std::string& line) {
    const auto sessions = lines.sessions_of(line, kSessionsLookedAt);
    if (!sessions) {
        return fail(sessions.error());
    }
    std::vector<Prefix> out;
    for (const line::Session& session : *sessions) {
        for (const Prefix& prefix : session.prefixes) {
            // What is allowed to a shared address is allowed to all who share it.
            if (!session.end && !session.shares(prefix)) {
                out.push_back(prefix);
            }
        }
    }
    return out;
}

Plan plan(
    const std::vector<Lease>& leases,
    const policy::Policy& policy,
    const std::function<std::vector<Prefix>(const std::string& line)>& held,
    Time now
) {
    std::vector<const Lease*> order;
    for (const Lease& lease : leases) {
        if (lease.alive(now)) {
            order.push_back(&lease);
        }
    }
    std::sort(order.begin(), order.end(), [](const Lease* a, const Lease* b) {
        return std::pair(a->kind, a->id) < std::pair(b->kind, b->id);
    });
    Planner planner(policy);
    for (const Lease* lease : order) {
        planner.place(
            *lease, lease->prefix ? std::vector<Prefix>{*lease->prefix} : held(lease->line)
        );
    }
    return planner.take();
}

}  // namespace sekisho::lease
