// Reports of complaints in the abuse reporting format (RFC 5965): who complains about which message
// of ours. Reads what anybody may send; says what it found, trusts nothing.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {

struct Complaint {
    std::string type;        // RFC 5965 §7.3: "abuse", "fraud", "not-spam", "auth-failure", ...
    std::string user_agent;  // who made the report
    std::string mail_from;   // Original-Mail-From, without angle brackets; may be empty
    std::vector<std::string> rcpt_to;  // Original-Rcpt-To, the same
    std::string source_ip;
    // Of "auth-failure" (RFC 6591 §3.1, RFC 9991): what failed ("dmarc", "spf", "signature", ...),
    // of whose domain, and what became of the message.
    std::string auth_failure, reported_domain, delivery_result;
    std::string message_id;  // of the message complained about, with angle brackets; may be empty
    std::vector<std::string> queue_ids;  // of its Received fields, newest first
    std::string subject;
};

// Invalid: no multipart/report of feedback-report (RFC 5965 §2), or one without Feedback-Type.
[[nodiscard]] Result<Complaint> parse_complaint(std::string_view message);

}  // namespace sekisho::message
