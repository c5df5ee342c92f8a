#include "lease/check.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "lease/lease.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace sekisho::lease {
namespace {

constexpr std::size_t kTextMax = 500;

// The first prefix of the policy that lies in this one, or is the same.
std::optional<std::pair<Prefix, policy::ClassId>> inside(
    const Prefix& prefix, const policy::Policy& policy
) {
    const auto& all = policy.prefixes();
    const auto at =
        std::lower_bound(all.begin(), all.end(), prefix, [](const auto& one, const Prefix& p) {
            return one.first < p;
        });
    return at != all.end() && prefix.contains(at->first) ? std::optional(*at) : std::nullopt;
}

std::string class_name(const policy::Policy& policy, policy::ClassId id) {
    return "\"" + policy.classes()[id].name + "\"";
}

Status check_text(std::string_view what, std::string_view text, bool required) {
    if (required && text.empty()) {
        return fail(Errc::Invalid, "a lease needs " + std::string(what));
    }
    if (text.size() > kTextMax || printable(text, kTextMax) != text) {
        return fail(
            Errc::Invalid,
            std::string(what) + " must be one line of at most " + std::to_string(kTextMax) +
                " bytes"
        );
    }
    return {};
}

Status check_width(const Prefix& prefix, const policy::Policy& policy, const Limits& limits) {
    const int widest = prefix.is_v4() ? limits.widest_v4 : limits.widest_v6;
    if (prefix.length() < widest) {
        return fail(
            Errc::Invalid,
            prefix.text() + " is wider than the /" + std::to_string(widest) +
                " that may be exempted: give it a class of its own in the policy"
        );
    }
    // One address is never a pool, also where the policy names it alone.
    const auto pool = inside(prefix, policy);
    if (pool && prefix.length() < prefix.address().bits()) {
        return fail(
            Errc::Invalid,
            prefix.text() + " would open " + pool->first.text() + " of class " +
                class_name(policy, pool->second) + " as a whole"
        );
    }
    return {};
}

Status check_conditions(const Lease& lease) {
    const bool address = lease.prefix && lease.prefix->length() == lease.prefix->address().bits();
    if ((!lease.conditions.reverse_name.empty() || lease.conditions.unlisted) && !address) {
        return fail(
            Errc::Invalid, "reverse names and block lists can be asked of one address only"
        );
    }
    return {};
}

}  // namespace

std::string spared(const Prefix& prefix, const policy::Policy& policy) {
    const auto named = [&policy](policy::ClassId id) { return policy.classes()[id].base != 0; };
    const policy::ClassId id = policy.classify(prefix.address());
    if (named(id)) {
        return "the policy puts it in class " + class_name(policy, id);
    }
    if (const auto one = inside(prefix, policy); one && named(one->second)) {
        return "it holds " + one->first.text() + " of class " + class_name(policy, one->second);
    }
    return {};
}

Status check(const Lease& lease, const policy::Policy& policy, const Limits& limits, Time now) {
    if (lease.prefix.has_value() == !lease.line.empty()) {
        return fail(Errc::Invalid, "a lease is for a prefix or for a line");
    }
    if (policy.find_class(lease.class_name) == nullptr) {
        return fail(
            Errc::Invalid,
            "there is no class \"" + printable(lease.class_name, 64) + "\" in the policy"
        );
    }
    for (const auto& [what, text, required] :
         {std::tuple{"an owner", std::string_view(lease.owner), true},
          std::tuple{"a reason", std::string_view(lease.reason), true},
          std::tuple{"the line", std::string_view(lease.line), false},
          std::tuple{"the reverse name", std::string_view(lease.conditions.reverse_name), false}}) {
        if (Status fine = check_text(what, text, required); !fine) {
            return fine;
        }
    }
    if (lease.expires <= now) {
        return fail(Errc::Invalid, "the lease would have ended already");
    }
    if (lease.expires - now > limits.longest) {
        return fail(
            Errc::Invalid,
            "a lease may last " + format_duration(limits.longest) + " at most; it can be renewed"
        );
    }
    if (lease.prefix) {
        if (Status fine = policy::check_override(*lease.prefix); !fine) {
            return fine;
        }
        if (lease.kind == Kind::Penalty) {
            const std::string why = spared(*lease.prefix, policy);
            return why.empty() ? Status{}
                               : Status(fail(Errc::Conflict, lease.prefix->text() + ": " + why));
        }
        if (Status fine = check_width(*lease.prefix, policy, limits); !fine) {
            return fine;
        }
    }
    return check_conditions(lease);
}

}  // namespace sekisho::lease
