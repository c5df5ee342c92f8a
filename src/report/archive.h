// Packed files of strangers: gzip and zip, each bounded in what it may become.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::report {

struct UnpackLimits {
    std::size_t bytes_max = 32UL * 1024 * 1024;  // of all that is in it
    std::size_t entries_max = 10;
};

// RFC 1952, without the name and the time: the same bytes give the same file.
[[nodiscard]] std::string gzip(std::string_view bytes);

// What is in it: the entries of a zip file, what a gzip file holds, or the bytes themselves when
// they are neither; by the first bytes, whatever a name or a media type says. Full: it is larger
// than permitted.
[[nodiscard]] Result<std::vector<std::string>> unpack(
    std::string_view bytes, const UnpackLimits& limits = {}
);

}  // namespace sekisho::report
