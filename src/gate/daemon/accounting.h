// The RADIUS accounting listener: packets on UDP in, sessions in the line store, responses out (RFC
// 2866): our own, or with radius.forward those of the operator's servers, as their proxy.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "line/line.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sekisho::gate {

class Accounting {
  public:
    // Listens at every endpoint of config.radius.listen; null when there is none. `lines` outlives
    // it.
    [[nodiscard]] static Result<std::unique_ptr<Accounting>> start(
        const config::Config& config, line::LineStore& lines
    );
    virtual ~Accounting() = default;  // stops

    // Changed clients and secrets; endpoints and forwarding take effect at the next start.
    virtual void reload(const config::Config& config) = 0;
    [[nodiscard]] virtual nlohmann::ordered_json status() = 0;
    [[nodiscard]] virtual std::vector<std::string> endpoints() const = 0;
};

}  // namespace sekisho::gate
