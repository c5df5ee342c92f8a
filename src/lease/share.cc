#include "lease/share.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "lease/plan.h"
#include "line/line.h"
#include "policy/overlay.h"
#include "policy/policy.h"
#include "policy/stages.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::lease {
namespace {

constexpr std::size_t kSessionsASecond = 20'000;
constexpr std::chrono::seconds kLongestWait{60};

class Counted {
  public:
    Counted(const policy::Policy& policy, const std::vector<Placed>& leases) : policy_(policy) {
        for (const policy::Class& one : policy.classes()) {
            if (one.band_to < 100) {
                parted_.insert(one.base);
            }
        }
        for (const Placed& one : leases) {
            leased_.insert(one.over.prefix);
            lengths_.insert({one.over.prefix.is_v4(), one.over.prefix.length()});
        }
    }

    void add(const line::Session& session) {
        ++sessions_;
        const unsigned share = policy::share_of(session.line);
        for (const Prefix& prefix : session.prefixes) {
            const policy::ClassId whole = policy_.classify(prefix.address());
            if (!parted_.contains(policy_.classes()[whole].base) || session.shares(prefix) ||
                !policy::check_override(prefix) || is_leased(prefix)) {
                continue;
            }
            const policy::ClassId part = policy_.part_of(whole, prefix.address(), share);
            const auto [held, fresh] = held_.emplace(prefix, Held{part, share});
            if (!fresh && held->second.share != share) {
                held->second.part = whole;  // whose it is can't be said
            }
        }
    }

    [[nodiscard]] std::size_t sessions() const { return sessions_; }
    // Those that are not where their address alone would be.
    [[nodiscard]] std::vector<policy::Override> overrides() const {
        std::vector<policy::Override> out;
        for (const auto& [prefix, held] : held_) {
            if (held.part != policy_.classify(prefix.address())) {
                out.push_back({prefix, held.part, std::nullopt});
            }
        }
        return out;
    }

  private:
    struct Held {
        policy::ClassId part;
        unsigned share;
    };

    [[nodiscard]] bool is_leased(const Prefix& prefix) const {
        return std::any_of(lengths_.begin(), lengths_.end(), [&](const auto& length) {
            return length.first == prefix.is_v4() && length.second <= prefix.length() &&
                   leased_.contains(Prefix{prefix.address(), length.second});
        });
    }

    const policy::Policy& policy_;
    std::set<policy::ClassId> parted_;
    std::set<Prefix> leased_;
    std::set<std::pair<bool, int>> lengths_;
    std::map<Prefix, Held> held_;
    std::size_t sessions_ = 0;
};

}  // namespace

bool has_shares(const policy::Policy& policy) {
    return std::any_of(
        policy.classes().begin(),
        policy.classes().end(),
        [](const policy::Class& one) { return one.band_to < 100; }
    );
}

Result<bool> Shares::refresh(
    const policy::Policy& policy,
    const std::vector<Placed>& leases,
    line::LineStore& lines,
    Time now
) {
    if (!has_shares(policy)) {
        const bool changed = !overrides_.empty();
        *this = Shares{most_};
        return changed;
    }
    // A clock that was set back must not keep us from looking.
    if (policy_ == policy.digest() && again_ && now < *again_ && *again_ - now <= kLongestWait) {
        return false;
    }
    Counted counted(policy, leases);
    if (Status seen = lines.each_open([&](const line::Session& one) { counted.add(one); }); !seen) {
        return fail(seen.error());
    }
    std::vector<policy::Override> next = counted.overrides();
    const std::size_t room = most_ - std::min(leases.size(), most_);
    left_out_ = next.size() > room ? next.size() - room : 0;
    next.resize(next.size() - left_out_);
    sessions_ = counted.sessions();
    policy_ = policy.digest();
    again_ = now + std::clamp<std::chrono::seconds>(
                       std::chrono::seconds{sessions_ / kSessionsASecond},
                       std::chrono::seconds{1},
                       kLongestWait
                   );
    const bool changed = next != overrides_;
    overrides_ = std::move(next);
    return changed;
}

std::vector<policy::Override> overrides_of(
    const std::vector<Placed>& leases, const Shares& shares
) {
    std::vector<policy::Override> out = overrides_of(leases);
    std::set<Prefix> taken;
    for (const policy::Override& one : out) {
        taken.insert(one.prefix);
    }
    for (const policy::Override& one : shares.overrides()) {
        if (!taken.contains(one.prefix)) {  // leased since the lines were looked at
            out.push_back(one);
        }
    }
    return out;
}

}  // namespace sekisho::lease
