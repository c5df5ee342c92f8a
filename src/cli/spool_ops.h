// The spool's tools, for when the mail role is stopped: verify, export, import. The folder of an
// export has two files a message, "QUEUE-ID.json" (envelope and state) and "QUEUE-ID.eml" (its
// bytes as accepted), so that it can be read, and made, by anything.
#pragma once

#include "base/result.h"
#include "cli/context.h"
#include "config/config.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::cli {

[[nodiscard]] store::SpoolOptions spool_options(const config::Config& config);

// Everything of the entry but its bytes.
[[nodiscard]] Json export_json(const queue::Entry& entry);
// Errors name the member that is wrong.
[[nodiscard]] Result<queue::Entry> import_json(std::string_view text);

struct Verified {
    std::uint64_t messages = 0, bytes = 0;
    std::vector<std::string> faults;  // a sentence each
};
// Reads every message with its checksum.
[[nodiscard]] Verified verify(queue::Spool& spool);

// Into a folder that is made where there is none. Files of the same message are replaced; each is
// complete or not there. Returns how many; the first that fails ends it.
[[nodiscard]] Result<std::uint64_t> export_spool(queue::Spool& spool, const std::string& folder);

struct Imported {
    std::uint64_t taken = 0, known = 0;
};
// Each message is durable before its .json is renamed to .json.imported, so that it can be begun
// again at any point. One that is queued already counts as known. The first that fails ends it.
[[nodiscard]] Result<Imported> import_spool(queue::Spool& spool, const std::string& folder);

}  // namespace sekisho::cli
