// Requests for an exemption: by which terms they are granted here, and whether they are taken.
#pragma once

#include "config/config.h"
#include "desk/context.h"
#include "exemption/act.h"

namespace sekisho::desk {

[[nodiscard]] bool offers_exemption(const Context& context);
[[nodiscard]] exemption::Terms exemption_terms(const config::Gate& gate);

}  // namespace sekisho::desk
