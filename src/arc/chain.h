// The ARC sets of a message (RFC 8617 §4), in their order, and whether they are whole. Pure; refers
// to the header's fields.
#pragma once

#include "base/result.h"
#include "dkim/signature.h"
#include "message/header.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::arc {

inline constexpr std::size_t kSetsMax = 50;  // RFC 8617 §5.2 step 1.A

// What a seal says of the chain before it (RFC 8617 §4.1.3).
enum class Validity : std::uint8_t { None, Pass, Fail };

struct Seal {
    dkim::Algorithm algorithm = dkim::Algorithm::RsaSha256;
    std::string signature;  // octets
    std::string domain, selector;
    Validity validity = Validity::None;

    [[nodiscard]] std::string key_name() const { return selector + "._domainkey." + domain; }
};

// One who handed the message on: findings, signature, seal.
struct Set {
    const message::Field* results = nullptr;    // ARC-Authentication-Results
    const message::Field* signature = nullptr;  // ARC-Message-Signature
    const message::Field* seal = nullptr;       // ARC-Seal
    dkim::Signature read_signature;
    Seal read_seal;
    // Of the results: who found them, and what, as text.
    std::string authserv_id, findings;
};

// The sets 1 to N; empty: the message has none. Invalid: the chain is broken, with the reason.
[[nodiscard]] Result<std::vector<Set>> read_chain(const message::Header& header);

}  // namespace sekisho::arc
