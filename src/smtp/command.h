// One command line of a client, read (RFC 5321 §4.1.1 and the extensions offered). Pure. What is
// wrong with a line is the Reply to send.
#pragma once

#include "base/time.h"
#include "smtp/address.h"
#include "smtp/reply.h"
#include "smtp/xclient.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::smtp {

enum class Verb : std::uint8_t {
    Helo,
    Ehlo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Expn,
    Help,
    StartTls,
    Auth,
    XClient
};
[[nodiscard]] std::string_view name(Verb verb);

enum class Body : std::uint8_t { SevenBit, EightBit, Binary };

// RFC 2852 §4: BY=by-time;by-mode[by-trace].
struct DeliverBy {
    std::chrono::seconds time{};  // from now; with notify it may have passed already
    bool notify = false;          // by-mode N; else R: returned when it can't be kept
    bool trace = false;
};

struct MailParameters {
    std::optional<std::uint64_t> size;  // RFC 1870
    Body body = Body::SevenBit;         // RFC 6152
    bool smtputf8 = false;              // RFC 6531
    std::optional<std::string> auth;    // RFC 4954 §5, decoded; "<>" as given
    std::string ret;                    // RFC 3461 §4.3: "", "FULL", "HDRS"
    std::string envid;                  // RFC 3461 §4.4, xtext as given
    // RFC 4865: one of them at most. How long, or until when, the message is held before it is
    // sent.
    std::optional<std::chrono::seconds> hold_for;
    std::optional<Time> hold_until;
    std::optional<DeliverBy> deliver_by;
    std::optional<int> priority;  // RFC 6710, -9 to 9
    bool require_tls = false;     // RFC 8689
};

struct RcptParameters {
    std::string
        notify;         // RFC 3461 §4.1, upper case: "", "NEVER", "SUCCESS,FAILURE,DELAY" or a part
    std::string orcpt;  // RFC 3461 §4.2, as given: "rfc822;user@example.net"
};

struct Command {
    Verb verb = Verb::Noop;
    std::string argument;            // HELO/EHLO name, VRFY/HELP/NOOP text
    std::optional<Address> address;  // MAIL (none: null reverse-path), RCPT
    MailParameters mail;
    RcptParameters rcpt;
    std::uint64_t chunk_size = 0;  // BDAT (RFC 3030 §2)
    bool chunk_last = false;
    XClient xclient;
    std::string mechanism;               // AUTH, upper case
    std::optional<std::string> initial;  // AUTH initial response, still base64, "=" as given
};

// What was offered in EHLO and holds now; a parameter of anything else is answered 555 5.5.4.
struct CommandRules {
    bool size = true, eightbit = true, smtputf8 = true, dsn = true, chunking = true;
    bool auth = false;
    bool future_release = false, xclient = false;
    bool binarymime = false, deliver_by = false, priority = false, require_tls = false;
    bool utf8_transaction = false;       // MAIL had SMTPUTF8, so RCPT and VRFY may have UTF-8
    std::size_t sender_local_max = 250;  // VERP and SRS senders are longer than 64 octets
};

// `line` is without its CRLF. Lines with CR, LF or NUL inside are the line reader's to refuse.
[[nodiscard]] std::expected<Command, Reply> parse_command(
    std::string_view line, const CommandRules& rules
);

// RFC 3461 §4: xtext. nullopt: malformed.
[[nodiscard]] std::optional<std::string> decode_xtext(std::string_view text);
[[nodiscard]] std::string encode_xtext(std::string_view text);

// The octets that a line of this verb may have, with CRLF (RFC 5321 §4.5.3.1.4 and what the
// extensions add to it).
inline constexpr std::size_t kCommandLineMax = 512;
inline constexpr std::size_t kMailRcptLineMax = 2000;
inline constexpr std::size_t kAuthLineMax = 12288;  // RFC 4954 §4

}  // namespace sekisho::smtp
