// What another policy would change, in words for who has to agree to it. Pure.
#pragma once

#include "base/time.h"
#include "policy/policy.h"

#include <string>
#include <vector>

namespace sekisho::policy {

// A line each: classes, regions, rules and prefixes that come, go or change; then, for what they
// come to at the time, how many addresses meet another verdict on their way to port 25 of the
// classes that both policies have. Empty when nothing changes.
[[nodiscard]] std::vector<std::string> difference(
    const Source& before, const Source& after, Time now
);

}  // namespace sekisho::policy
