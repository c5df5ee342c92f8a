#include "guide/address.h"

#include "base/bytes.h"

#include <algorithm>

namespace sekisho::guide {
namespace {

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_high(char c) {
    return static_cast<unsigned char>(c) >= 0x80;
}

bool is_atext(char c) {
    return is_alnum(c) || is_high(c) || std::string_view{"!#$%&'*+-/=?^_`{|}~"}.contains(c);
}

// Parts between dots, none empty, each within `length_max` and made of what `allowed` says.
template <class Allowed>
bool is_dotted(std::string_view text, std::size_t length_max, Allowed allowed) {
    const auto parts = split(text, '.');
    return std::ranges::all_of(parts, [&](std::string_view part) {
        return !part.empty() && part.size() <= length_max && std::ranges::all_of(part, allowed);
    });
}

}  // namespace

std::optional<MailAddress> parse_mail_address(std::string_view input) {
    static constexpr std::size_t kPathMax = 254;  // RFC 5321 §4.5.3.1.3, without angle brackets
    static constexpr std::size_t kLocalMax = 64;  // RFC 5321 §4.5.3.1.1
    static constexpr std::size_t kLabelMax = 63;  // RFC 1035 §2.3.4
    const std::string_view text = trim(input);
    const auto at = text.rfind('@');
    if (at == std::string_view::npos || text.size() > kPathMax || !is_utf8(text)) {
        return std::nullopt;
    }
    const std::string_view local = text.substr(0, at);
    const std::string_view domain = text.substr(at + 1);
    const auto in_domain = [](char c) { return is_alnum(c) || is_high(c) || c == '-'; };
    if (local.size() > kLocalMax || !is_dotted(local, kLocalMax, is_atext) ||
        !is_dotted(domain, kLabelMax, in_domain)) {
        return std::nullopt;
    }
    return MailAddress{.local = std::string(local), .domain = to_lower(domain)};
}

}  // namespace sekisho::guide
