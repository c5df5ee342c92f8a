// [events] as the feeds take it.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "feed/feeder.h"

namespace sekisho::cli {

// What the file of the configuration alone can tell to be wrong.
[[nodiscard]] Status check_feeds(const config::Events& events);
// Reads the key and the certificate authorities.
[[nodiscard]] Result<feed::Options> feed_options(const config::Events& events);

}  // namespace sekisho::cli
