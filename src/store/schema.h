// The tables, as the steps that make them. A step that was released never changes: what is new is a
// new step.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace sekisho::store {

[[nodiscard]] std::span<const std::string_view> schema_steps();

// The end of what is still open, so that "not ended by then" is one comparison on an index.
inline constexpr std::int64_t kOpenEnd = std::numeric_limits<std::int64_t>::max();

}  // namespace sekisho::store
