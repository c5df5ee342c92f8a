// What the parts of the table of routes have in common.
#pragma once

#include "desk/routes.h"
#include "staff/roles.h"

#include <vector>

namespace sekisho::desk {

inline constexpr staff::Roles kAnybody{};
inline constexpr staff::Roles kLook{
    staff::Role::Support, staff::Role::Abuse, staff::Role::Operator
};
inline constexpr staff::Roles kHold{staff::Role::Abuse, staff::Role::Operator};
inline constexpr staff::Roles kOperator{staff::Role::Operator};
inline constexpr staff::Roles kAuditor{staff::Role::Auditor};

// routes_of_subscribers.cc
[[nodiscard]] std::vector<Route> of_accounts();
[[nodiscard]] std::vector<Route> of_requests();

}  // namespace sekisho::desk
