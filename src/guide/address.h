// A mail address as a person types it into a form, or a mail program puts it into a query.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::guide {

struct MailAddress {
    std::string local;
    std::string domain;  // lower case
    [[nodiscard]] std::string text() const { return local + "@" + domain; }
};

// Dot-atoms of RFC 5321 §4.1.2 and RFC 6531 §3.3, within the lengths of RFC 5321 §4.5.3.1;
// quoted local parts and address literals are no addresses of subscribers. White space around is
// cut off.
[[nodiscard]] std::optional<MailAddress> parse_mail_address(std::string_view text);

}  // namespace sekisho::guide
