// Delivery status notifications: multipart/report (RFC 6522) with a part for people in Japanese and
// English, message/delivery-status (RFC 3464), and the original or its header. 7-bit throughout
// unless the caller allows 8-bit. The caller sends it with the null reverse-path (RFC 3464 §2).
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {

enum class DsnAction : std::uint8_t { Failed, Delayed, Delivered, Relayed, Expanded };
[[nodiscard]] std::string_view name(DsnAction action);

struct DsnRecipient {
    std::string address;  // final recipient, without angle brackets
    std::string orcpt;    // RFC 3461 §4.2 as given ("rfc822;a+2Bb@example.net"), or empty
    DsnAction action = DsnAction::Failed;
    std::string status;      // "5.1.1"; empty: from the diagnostic, or x.0.0
    std::string diagnostic;  // the remote reply ("550 5.1.1 No such user"), or a local reason
    bool diagnostic_is_reply = true;  // false: a local reason in words (no Diagnostic-Code: smtp)
    std::string remote_mta;           // host name of the MX that answered, or empty
    std::optional<Time> last_attempt;
    std::optional<Time> retry_until;  // for Delayed
};

struct DsnRequest {
    std::string reporting_mta;  // our host name
    std::string from;           // postmaster@host, the header From
    std::string to;             // the original's reverse-path; must not be empty
    std::string provider_name;  // shown to people; may be empty
    std::string provider_name_ja;
    std::string support;    // mail address or URL for questions; may be empty
    std::string guide_url;  // may be empty
    std::string envid;      // RFC 3461 §4.4 as given (xtext), or empty
    std::string ret;        // "FULL", "HDRS" or empty (HDRS for success, RFC 3461 §6.2)
    std::string original_queue_id;
    std::string dsn_id;         // unique; makes Message-ID and boundary
    std::string_view original;  // bytes of the message
    std::optional<Time> arrival;
    Time now{};
    std::vector<DsnRecipient> recipients;  // one or more
    bool allow_8bit = false;  // an 8-bit original may be returned in full (BODY=8BITMIME)
    std::size_t returned_max = 50UL * 1024;  // larger originals: header only
};

struct Dsn {
    std::string message;     // CRLF line ends
    std::string message_id;  // with angle brackets
    bool body_8bit = false;  // send with BODY=8BITMIME
    bool smtputf8 = false;   // the recipient's address needs it
};

// Errors: Invalid when `to` is empty (never answer a null reverse-path, RFC 5321 §6.1), when there
// are no recipients, or no reporting host.
[[nodiscard]] Result<Dsn> build_dsn(const DsnRequest& request);

// Whether a recipient's NOTIFY (RFC 3461 §4.1, as given; empty: failure and delay) asks for it.
[[nodiscard]] bool dsn_wanted(std::string_view notify, DsnAction action);

// "550 5.1.1 No such user" -> "5.1.1"; a reply without one gives "5.0.0" or "4.0.0"; no reply: what
// `action` implies.
[[nodiscard]] std::string status_of_reply(std::string_view reply, DsnAction action);

}  // namespace sekisho::message
