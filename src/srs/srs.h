// The Sender Rewriting Scheme (SRS0, SRS1), as Mail::SRS describes it. Pure.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::srs {

inline constexpr std::size_t kHashLength = 6;  // characters of base64
inline constexpr std::size_t kHashMin = 4;     // that is accepted: what other implementations make
inline constexpr int kDaysMax = 21;
inline constexpr std::size_t kLocalMax = 512;

// Secrets: the first signs, all verify. Never empty.
using Secrets = std::vector<std::string>;

// Whether a local part is one of the scheme's.
[[nodiscard]] bool is_rewritten(std::string_view local);

// The local part at our domain for a sender. Invalid: too long, or a malformed rewritten address.
[[nodiscard]] Result<std::string> rewrite(
    std::string_view local, std::string_view domain, const Secrets& secrets, Time now
);

struct Original {
    std::string local, domain;
};
// Whom mail to such a local part at our domain is for. Invalid: it isn't one. Denied: it is forged
// or too old; the message says which.
[[nodiscard]] Result<Original> restore(std::string_view local, const Secrets& secrets, Time now);

}  // namespace sekisho::srs
