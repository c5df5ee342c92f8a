// The trace fields we write: Received when a message is accepted, Return-Path at final delivery
// (RFC 5321 §4.4). Whole fields with CRLF, folded at 78, ready to be put before the message.
#pragma once

#include "base/ip.h"
#include "base/time.h"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {

struct Reception {
    std::string helo;          // as the client gave it, trusted in nothing
    IpAddress client;          // its address
    std::string reverse_name;  // its forward-confirmed name, or empty
    std::string by;            // our host name
    std::string queue_id;
    bool extended = true;  // EHLO
    bool tls = false;      // "with" values of RFC 3848
    bool authenticated = false;
    bool lmtp = false;
    bool smtputf8 = false;  // asked for in this transaction: UTF8SMTP... (RFC 6531 §4.3)
    std::string tls_version, tls_cipher;  // shown in a comment
    std::vector<std::string> recipients;  // `for` is written only when there is exactly one, so
                                          // that no recipient learns of another (RFC 5321 §7.6)
    int priority = 0;                     // RFC 6710 §4.3: written when it isn't the normal one
    bool hide_client = false;  // neither HELO nor address; the queue id leads the operator to them
    Time at{};
};

// The protocol's registered name: "ESMTPSA".
[[nodiscard]] std::string with_protocol(const Reception& reception);
[[nodiscard]] std::string received_field(const Reception& reception);
// "Return-Path: <a@example.net>"; the null reverse-path when empty.
[[nodiscard]] std::string return_path_field(std::string_view reverse_path);

}  // namespace sekisho::message
