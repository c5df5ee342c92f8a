// Single prefixes that are of another class for a time (an exemption, a penalty), laid over a
// policy that stays as it is. Pure.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "policy/policy.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace sekisho::policy {

struct Override {
    Prefix prefix;
    ClassId class_id = 0;
    std::optional<Time> until;  // an engine lets it lapse by itself
    friend bool operator==(const Override&, const Override&) = default;
};
inline constexpr std::size_t kOverridesMax = 65'536;

// Whether a prefix may be overridden: IPv4 /16 to /32; IPv6 /32 to /64, or one address. Data planes
// ask once for each length, so there can't be all of them; Invalid says so.
[[nodiscard]] Status check_override(const Prefix& prefix);

// Every prefix stands once, passes check_override(), and names a class of the policy.
[[nodiscard]] Status check_overrides(const Policy& policy, const std::vector<Override>& overrides);

// The policy with the overrides: they win over every prefix of it, the longest among themselves.
// Its prefixes() are those that decide: ones of the policy inside an override are left out. Errors:
// as check_overrides() has them. `until` is the caller's to heed.
[[nodiscard]] Result<std::shared_ptr<const Policy>> with_overrides(
    std::shared_ptr<const Policy> policy, const std::vector<Override>& overrides
);

}  // namespace sekisho::policy
