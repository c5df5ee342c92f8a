// Authentication-Results (RFC 8601): what we say about a message's authenticity, and whether a
// field that came with it pretends to be ours.
#pragma once

#include "message/header.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {

// One resinfo (RFC 8601 §2.2): spf=pass reason="..." smtp.mailfrom=a@example.net
struct MethodResult {
    struct Property {
        std::string name;   // with its type: "smtp.mailfrom", "header.d"
        std::string value;  // quoted where it must be
    };
    std::string method, result;
    std::string comment;  // for people, in parentheses; may be empty
    std::string reason;   // may be empty
    std::vector<Property> properties;
};

// The whole field with CRLF, folded. Without results it says "none" (RFC 8601 §2.2).
[[nodiscard]] std::string auth_results_field(
    std::string_view authserv_id, const std::vector<MethodResult>& results
);

// The authserv-id of a field's value, in lower case: behind comments, and quoted ones unquoted.
// Empty: it has none that can be read.
[[nodiscard]] std::string authserv_id(std::string_view value);

// Whether it is an Authentication-Results field that a filter behind us might take for our own
// (RFC 8601 §5): its id is one of `ours` (lower case) or below it, or can't be read. Whatever
// version it gives.
[[nodiscard]] bool pretends_to_be_ours(const Field& field, std::span<const std::string> ours);

}  // namespace sekisho::message
