// What a decision does: the lease that is given or ended with it, and the state that is kept.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "exemption/exemption.h"
#include "lease/check.h"
#include "lease/grant.h"
#include "policy/policy.h"

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::exemption {

struct Terms {
    std::string class_name;  // gate.exempt_class
    Duration lasts{};
    bool unlisted = false;  // there are lists to be absent from
    lease::Limits limits;
};
struct Books {
    RequestStore& requests;
    lease::Registry leases;
};

// Brings the request to the state; gives it a lease, or ends the one it has. Conflict: somebody
// else has changed it meanwhile, or the change isn't one of exemption.h's. Returns it as it is now.
[[nodiscard]] Result<Request> bring(
    const Books& books,
    Request request,
    const Decision& decision,
    std::string_view by,
    const policy::Policy& policy,
    const Terms& terms,
    Time now
);

// A granted one whose lease has ended otherwise: by its time (Ended), by the gate or an operator
// (Revoked). Nullopt: it goes on, or can't be known now.
[[nodiscard]] std::optional<Decision> ended_elsewhere(
    const Books& books, const Request& request, Time now
);

}  // namespace sekisho::exemption
