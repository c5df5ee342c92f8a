// What becomes of mail that is sent through us as an address elsewhere: whether its domain's SPF,
// our DKIM keys and its DMARC policy let it through, in words that a subscriber understands. Pure.
#pragma once

#include "base/time.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "smtp/reply.h"
#include "spf/check.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

enum class Outlook : std::uint8_t {
    Passes,     // SPF or DKIM vouches for it, in alignment with From
    Unaligned,  // neither does, and the domain asks for nothing
    Doubtful,   // p=quarantine, or SPF says that only others send: to the junk, or refused by some
    Rejected,   // p=reject: refused by who checks
    Unknown,    // the DNS didn't answer in time
};
[[nodiscard]] std::string_view name(Outlook outlook);  // "passes", ...

// A submission service of the address's own provider.
struct OutsideService {
    std::string host;
    std::uint16_t port = 0;
    bool implicit_tls = false;
};

struct Alignment {
    std::string domain;    // of From
    spf::Outcome spf;      // the worst of our sending addresses
    bool dkim = false;     // we have keys that sign for the domain
    dmarc::Outcome dmarc;  // with those two
    Outlook outlook = Outlook::Unknown;
    std::vector<OutsideService> services;  // RFC 6186, RFC 8314: the best first
};

// From spf, dkim and dmarc.
[[nodiscard]] Outlook outlook_of(const Alignment& found);
// Mail of it can't align, and the domain minds.
[[nodiscard]] bool harms(Outlook outlook);

// Several lines, plain text: what was found, what will happen, and what to do instead.
[[nodiscard]] std::string explain_ja(const Alignment& found, const std::string& provider);
[[nodiscard]] std::string explain_en(const Alignment& found, const std::string& provider);

// At the end of data, with mail.from_unaligned = "refuse".
[[nodiscard]] smtp::Reply unaligned_reply(const Alignment& found, std::string_view guide_url);

struct Letter {
    std::string message_id;
    std::string message;  // whole, CRLF line ends, 7 bit
};
struct LetterOptions {
    std::string hostname, from;  // header From: "postmaster@mail.example.net"
    std::string provider, provider_ja, support, guide_url;
    std::string language;  // of the subscriber: "ja", "en", empty: both
};
[[nodiscard]] LetterOptions letter_options(const config::Config& config);

// To the address itself: the code that proves it. `login`: who asked.
[[nodiscard]] Letter code_letter(
    const std::string& address,
    const std::string& login,
    const std::string& code,
    const LetterOptions& options,
    std::string_view unique,
    Time now
);
// To the subscriber, once a day: mail as that domain is likely to be lost.
[[nodiscard]] Letter warning_letter(
    const std::string& to,
    const std::string& author,
    const Alignment& found,
    const LetterOptions& options,
    std::string_view unique,
    Time now
);

}  // namespace sekisho::mail
