// A DKIM-Signature field read into values (RFC 6376 §3.5), and the octets that its signature is
// over (§3.7). Pure.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "message/header.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::dkim {

enum class Algorithm : std::uint8_t { RsaSha256, Ed25519Sha256 };
[[nodiscard]] std::string_view name(Algorithm algorithm);      // "rsa-sha256", as a= has it
[[nodiscard]] std::string_view key_type(Algorithm algorithm);  // "rsa", as k= has it
[[nodiscard]] std::optional<Algorithm> parse_algorithm(std::string_view text);

struct Signature {
    Algorithm algorithm = Algorithm::RsaSha256;
    std::string signature;  // b=, octets
    std::string body_hash;  // bh=, octets
    Canonicalization header_how = Canonicalization::Simple, body_how = Canonicalization::Simple;
    std::string domain;                // d=, lower case
    std::string selector;              // s=, lower case
    std::string identity;              // i=, or "@" and d=
    std::vector<std::string> headers;  // h=, as written
    std::optional<std::uint64_t> body_limit;
    std::optional<Time> signed_at, expires;

    // Where the key is (§3.6.2.1).
    [[nodiscard]] std::string key_name() const { return selector + "._domainkey." + domain; }
};

// What can be told of a signature whose field is wrong, for Authentication-Results.
struct Claim {
    std::string domain, selector, identity, algorithm;  // as written, printable; may be empty
};
[[nodiscard]] Claim claim_of(const message::Field& field);

// ARC-Message-Signature (RFC 8617 §4.1.2) is the same without v=, and i= is a number there.
enum class SignatureField : std::uint8_t { Dkim, Arc };

// The error's text is the reason to tell: "no h= tag". Historic algorithms are an error (RFC 8301
// §3.1); z= is ignored.
[[nodiscard]] Result<Signature> parse_signature(
    const message::Field& field, SignatureField kind = SignatureField::Dkim
);

// The field in its canonical form with an empty b= and without its last CRLF (§3.7): what a
// signature covers of its own field. Pre: `own` is a tag list with b=.
[[nodiscard]] std::string unsigned_field(const message::Field& own, Canonicalization how);

// The canonical fields that `headers` selects from the bottom up, then unsigned_field() of the
// signature's own.
[[nodiscard]] std::string signed_octets(
    const message::Header& header,
    const std::vector<std::string>& headers,
    const message::Field& own,
    Canonicalization how
);

// Letters, digits, hyphens and underscores in labels of at most 63, at most 253 octets; bytes of
// UTF-8 too (RFC 8616).
[[nodiscard]] bool is_domain(std::string_view text);
// Whether `name` is `domain` or below it. Both in lower case.
[[nodiscard]] bool is_within(std::string_view name, std::string_view domain);

}  // namespace sekisho::dkim
