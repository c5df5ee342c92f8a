// What the configuration says about delivery, as the deliverer takes it.
#pragma once

#include "config/config.h"
#include "delivery/deliverer.h"

namespace sekisho::cli {

// Reads the passwords of routes. One that can't be read leaves its route's mail waiting; nothing
// else does.
[[nodiscard]] delivery::Options delivery_options(const config::Config& config);

}  // namespace sekisho::cli
