// Lines that are longer than mail may have (RFC 5322 §2.1.1), encoded anew as RFC 6409 §8 lets a
// submission server do it: the parts of the body that have such lines, each by itself, and fields
// of the header folded. Nothing else of the message changes.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace sekisho::message {

inline constexpr std::size_t kLineMax = 998;  // octets without CRLF

[[nodiscard]] bool has_long_line(std::string_view text);

// `header_only`: the body is no lines (BINARYMIME). Invalid: why it can't be done, in words that
// follow "since".
[[nodiscard]] Result<std::string> shorten_lines(std::string_view message, bool header_only);

}  // namespace sekisho::message
