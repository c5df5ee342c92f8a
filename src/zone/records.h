// What an operator has to publish in the DNS for the mail of each own domain, made from the
// configuration, the DKIM keys and the certificate in use; and whether the DNS has it. Pure.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "dkim/keys/keyring.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::zone {

enum class Kind : std::uint8_t {
    Host,        // the mail server's own addresses; ours to ask for, not to name
    Mx,          // RFC 5321 §5.1
    Spf,         // RFC 7208
    Dkim,        // RFC 6376 §3.6.2
    Dmarc,       // RFC 9989 §4.7
    TlsReports,  // RFC 8460 §3
    Tlsa,        // RFC 7672 §3.1
    Srv,         // RFC 6186, RFC 8314 §5.1
    Alias,       // autoconfig: a name that has the addresses of another
};

struct Record {
    Kind kind = Kind::Mx;
    std::string name;       // absolute, without the last dot
    std::string type;       // "MX", "TXT", ...; "A" and "AAAA" of Host are both "A"
    std::string value;      // as normal() writes it; of TXT the text; of Alias the target
    bool required = false;  // without it mail is lost or refused
    // Another value than ours is a fault: not so where the operator may know better (SPF, DMARC).
    bool exact = false;
    std::string why;     // for people
    dkim::KeyEntry key;  // of Dkim
};

struct Facts {
    std::vector<dkim::KeyEntry> keys;
    std::string certificate_key_sha256;  // octets of the TLSA record 3 1 1; empty: no certificate
};

// For every domain of `config.mail.domains` (config resolved); each record once.
[[nodiscard]] std::vector<Record> records_to_publish(
    const config::Config& config, const Facts& facts
);

// Master file lines (RFC 1035 §5), with a comment before each group; names absolute.
[[nodiscard]] std::string zone_text(const std::vector<Record>& records);
// One line: "example.net. 3600 IN MX 10 mail.example.net."
[[nodiscard]] std::string zone_line(const Record& record);
// The data of a TXT record: quoted strings of at most 255 octets each (RFC 1035 §3.3.14).
[[nodiscard]] std::string quoted_txt(const std::string& text);

enum class State : std::uint8_t { Right, Missing, Different, Unknown };
[[nodiscard]] std::string_view name(State state);

struct Finding {
    Record record;
    State state = State::Unknown;
    std::vector<std::string> there;  // what the DNS has instead
    std::string error;               // of Unknown

    [[nodiscard]] bool fault() const;  // what makes `sekisho dns check` fail
};
// `there`: the values of the name and type as normal_*() writes them, of TXT the texts, of Host and
// Alias the addresses. `target`: of Alias, the addresses of what it should be the same as.
[[nodiscard]] Finding compare(
    const Record& record,
    const Result<std::vector<std::string>>& there,
    const std::vector<std::string>& target = {}
);

// Values as text: "10 mail.example.net.", "0 1 587 mail.example.net.", "3 1 1 abcd...".
[[nodiscard]] std::string normal_mx(std::uint16_t preference, const std::string& host);
[[nodiscard]] std::string normal_srv(
    std::uint16_t priority, std::uint16_t weight, std::uint16_t port, const std::string& target
);
[[nodiscard]] std::string normal_tlsa(
    std::uint8_t usage, std::uint8_t selector, std::uint8_t matching, const std::string& octets
);

}  // namespace sekisho::zone
