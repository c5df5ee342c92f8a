// Which mail something of the operator's is about: by recipient's domain, sender, account. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {

struct RouteQuestion {
    std::string domain;   // of the recipients, lower case
    std::string sender;   // reverse-path; empty: null
    std::string account;  // empty: none
};

// An empty list asks nothing. Lower case.
struct Conditions {
    std::vector<std::string> domains;   // of recipients: "example.net", ".example.net", "*"
    std::vector<std::string> senders;   // "taro@example.net", domains as above, "<>", "*"
    std::vector<std::string> accounts;  // logins, exactly; domains of logins as above; "*": any
    [[nodiscard]] bool none() const {
        return domains.empty() && senders.empty() && accounts.empty();
    }
    friend bool operator==(const Conditions&, const Conditions&) = default;
};

// Whether "example.net", ".example.net" or "*" is about the domain. Both lower case.
[[nodiscard]] bool covers(const std::string& pattern, std::string_view domain);

// What is wrong with them as they were written, in one sentence with the key; then, if nothing is,
// they are in lower case.
[[nodiscard]] std::optional<std::string> check_conditions(Conditions& conditions);

// `own`: the domain is one of ours, and only a condition that names it exactly holds.
[[nodiscard]] bool fits(const Conditions& conditions, const RouteQuestion& question, bool own);

}  // namespace sekisho::delivery
