// The gate's state as one JSON object.
#pragma once

#include "config/config.h"
#include "gate/answer/responder.h"
#include "gate/daemon/reports.h"
#include "lease/share.h"
#include "policy/policy.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace sekisho::gate {

class Engine;

struct StatusInput {
    Engine* engine = nullptr;  // null: engine "none"
    const config::Gate& gate;
    const policy::Policy& policy;
    const std::map<std::string, std::string>& interfaces;  // wanted; text: why not attached
    const Reports& reports;
    Responder::Figures answered;
    nlohmann::ordered_json leases;  // Leases::status()
    const lease::Shares& shares;
};
[[nodiscard]] std::string status_text(const StatusInput& input);

}  // namespace sekisho::gate
