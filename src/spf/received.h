// The Received-SPF field (RFC 7208 §9.1): what was checked and what came of it, for people and
// filters. Pure.
#pragma once

#include "spf/check.h"

#include <string>

namespace sekisho::spf {

// One sentence: "domain of a@example.net designates 192.0.2.1 as permitted sender".
[[nodiscard]] std::string sentence(const Query& query, const Outcome& outcome);
// The field's value, unfolded. `receiver` of the query is our host name.
[[nodiscard]] std::string received_value(const Query& query, const Outcome& outcome);

}  // namespace sekisho::spf
