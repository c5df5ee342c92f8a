// Header fields with characters that aren't ASCII, for a way without SMTPUTF8 (RFC 6409 §8.7 allows
// it at submission): encoded words (RFC 2047) in text, display names, names of groups and comments;
// parameters as RFC 2231 has them. What can't be encoded, addresses above all, is an error.
#pragma once

#include "base/result.h"
#include "message/header.h"

#include <string>
#include <string_view>

namespace sekisho::message {

[[nodiscard]] bool is_ascii(std::string_view text);
// Of a list of addresses: From, To, Resent-Cc and so on.
[[nodiscard]] bool has_addresses(std::string_view field_name);

// The whole field, with its line end. Denied: an address isn't ASCII. Invalid: the field can't be
// read, or isn't UTF-8. Both say which field.
[[nodiscard]] Result<std::string> encode_field(const Field& field);

}  // namespace sekisho::message
