// Rows of sessions and of what they hold, as values. Private to the room.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "line/line.h"
#include "store/sqlite.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sekisho::store {

inline constexpr const char* kImpossiblePrefix =
    "the database holds a session with an impossible prefix";
inline constexpr int kV4Bits = 96;  // in front of an IPv4 address in 16 bytes

// What is read back is checked as any input is: the file may have been damaged.
[[nodiscard]] std::optional<Prefix> read_prefix(std::string_view first, std::int64_t length);
// From the columns session, nas, line, realm, started, ended, seen and ports.
[[nodiscard]] Result<line::Session> read_session(Statement& row);

}  // namespace sekisho::store
