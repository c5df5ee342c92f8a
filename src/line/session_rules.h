// What a packet that comes in any order, twice or never does to what is known of a session: the one
// rule that every LineStore follows.
#pragma once

#include "base/time.h"
#include "line/line.h"

#include <cstdint>
#include <optional>
#include <string>

namespace sekisho::line {

// The newest session known under one nas and id.
struct KnownSession {
    std::string line, realm;
    Time start{};
    std::optional<Time> end;
};

enum class Change : std::uint8_t {
    None,     // late or repeated: it tells nothing new
    Add,      // a session of its own
    Refresh,  // the same session, still going on (or ending, when the packet has an end)
    Replace,  // the NAS uses the id again: the known one ended when this one started
};

[[nodiscard]] Change change_by(const std::optional<KnownSession>& known, const Session& incoming);

}  // namespace sekisho::line
