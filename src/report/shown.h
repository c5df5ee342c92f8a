// What the command and the API show of others' reports: the same JSON for both.
#pragma once

#include "report/ledger.h"

#include <nlohmann/json.hpp>
#include <vector>

namespace sekisho::report {

using ShownJson = nlohmann::ordered_json;

[[nodiscard]] ShownJson shown(const CountedFailure& failure);
[[nodiscard]] ShownJson shown(const std::vector<SourceSum>& sources);
[[nodiscard]] ShownJson shown(const std::vector<TlsSum>& sums);

}  // namespace sekisho::report
