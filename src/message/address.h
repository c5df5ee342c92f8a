// Reads the address lists of header fields (RFC 5322 §3.4, and the obsolete forms of §4.4): names,
// groups, comments, quoted strings, domain literals, routes. What can't be read is skipped to the
// next comma and reported. Encoded words are left as they are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {

struct Mailbox {
    std::string display_name;  // quotes and backslashes resolved; encoded words left alone
    std::string local;         // as it goes into SMTP: quoted only where it must be
    std::string domain;        // as written, without comments and white space
    std::string group;         // the group it stood in, or empty

    // local@domain, domain in lower case; for comparing with send-as addresses.
    [[nodiscard]] std::string address() const;
};

struct AddressList {
    std::vector<Mailbox> mailboxes;
    std::vector<std::string> groups;  // names, also of empty groups ("undisclosed-recipients:;")
    bool well_formed = true;          // false: something was skipped
    bool truncated = false;           // mailboxes_max reached
};

[[nodiscard]] AddressList parse_address_list(
    std::string_view value, std::size_t mailboxes_max = 1000
);

}  // namespace sekisho::message
