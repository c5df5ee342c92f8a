// What a reply means, for people who don't read enhanced status codes.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::message {

// "452 4.2.2 over quota (mx.example.net[192.0.2.1]:25, no TLS)" -> "The recipient's mailbox is
// full." In English, by the rules in use; empty for a reply that says that all is well.
[[nodiscard]] std::string plain_cause(std::string_view detail);

}  // namespace sekisho::message
