// The parts of a mail (RFC 2045, RFC 2046), as far as reports of machines need them: media types,
// what stands between boundaries, transfer encodings undone.
#pragma once

#include "message/header.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {

// A parameter of a structured field (RFC 2045 §5.1): "; name=value" or "; name="value"".
[[nodiscard]] std::string field_parameter(std::string_view field, std::string_view name);
// "text/plain" of "Text/Plain; charset=..."; lower case.
[[nodiscard]] std::string media_type(std::string_view content_type);
// The parts between boundary lines (RFC 2046 §5.1.1), the last one as far as it goes.
[[nodiscard]] std::vector<std::string_view> parts_of(
    std::string_view body, const std::string& boundary, std::size_t parts_max
);
// A part's content, its transfer encoding undone; empty where it can't be.
[[nodiscard]] std::string decoded(const Header& header, std::string_view part);

struct Leaf {
    std::string type;  // media type; "text/plain" where none is said
    std::string name;  // of the file; empty: none is said
    std::string content;
};
// The parts that have none themselves, in order; those beyond `leaves_max` are left out.
[[nodiscard]] std::vector<Leaf> leaves_of(std::string_view mail, std::size_t leaves_max);

}  // namespace sekisho::message
