// Replies for a mail program on port 25: where it belongs, the page about this very refusal, and a
// number that the support desk finds it by. The gate's responder and the exchange say the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::smtp {

inline constexpr int kReferenceBits = 40;  // of the number: random_token()

// "TEXT; see GUIDE/25?ref=REFERENCE (reference REFERENCE)"; without a page when `guide_url` is
// empty.
[[nodiscard]] std::string with_reference(
    std::string text, std::string_view guide_url, std::string_view reference
);

// "Port 25 is for mail servers. Mail programs send through HOST port PORT with authentication".
[[nodiscard]] std::string use_submission(std::string_view host, std::uint16_t port);

}  // namespace sekisho::smtp
