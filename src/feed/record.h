// What others are told of an event, and how a batch of them is signed. Pure.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::feed {

// Fields that are empty are left out.
[[nodiscard]] nlohmann::json json_of(const event::Event& event);
// A line with its end; what isn't UTF-8 becomes U+FFFD.
[[nodiscard]] std::string line_of(const event::Event& event);
// A JSON array.
[[nodiscard]] std::string body_of(const std::vector<event::Event>& events);

// "t=1795772400,v1=HEX": HMAC-SHA-256 over the seconds, a full stop and the body. Whoever checks
// it also checks that the time is not long ago.
[[nodiscard]] std::string signature(std::string_view key, Time at, std::string_view body);

// By name; empty: what becomes of mail. Invalid names the one that isn't known.
[[nodiscard]] Result<std::vector<event::Kind>> kinds_of(const std::vector<std::string>& names);

// After so many failures in a row, 1 or more.
[[nodiscard]] Duration wait_after(int failures, Duration first);

}  // namespace sekisho::feed
