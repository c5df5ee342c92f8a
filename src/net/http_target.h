// The target of an HTTP request, read strictly: percent-decoding, the query's keys, a path without
// tricks. Pure.
#pragma once

#include "base/result.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::net {

struct HttpTarget {
    std::string path;  // as HttpRequest's
    std::map<std::string, std::string> query;
};

// origin-form or absolute-form (RFC 9112 §3.2). Refused: what isn't a path, a bad percent sign,
// NUL,
// "..", too many keys.
[[nodiscard]] Result<HttpTarget> parse_target(std::string_view target);
// application/x-www-form-urlencoded, for queries and form bodies. nullopt: a bad percent sign, or
// more than kFormKeysMax pairs.
[[nodiscard]] std::optional<std::map<std::string, std::string>> parse_form(std::string_view text);
inline constexpr std::size_t kFormKeysMax = 256;

}  // namespace sekisho::net
