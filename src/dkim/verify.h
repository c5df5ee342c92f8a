// Verifying (RFC 6376 §6): from a message and key records to one result for each signature. Pure:
// begin, ask the DNS for queries(), hand in the body in parts, finish.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "message/header.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::dkim {

// The words of Authentication-Results (RFC 8601 §2.7.1). "none" is no signature at all.
enum class Outcome : std::uint8_t { Pass, Fail, Policy, Neutral, TempError, PermError };
[[nodiscard]] std::string_view name(Outcome outcome);

struct Verdict {
    Outcome status = Outcome::Neutral;
    std::string domain, selector;  // d=, s=
    std::string identity;          // i=, or "@" and d=
    std::string algorithm;         // a=
    std::string reason;            // for everything but pass
    bool testing = false;          // the domain only tries DKIM out (t=y)
    std::string signature;  // the first octets of b=, base64: tells signatures apart (RFC 6008)
};

struct VerifyLimits {
    std::size_t signatures_max = 8;  // the rest is not looked at
    Duration skew{3'600'000};        // t= may lie that far in the future
};

// The TXT records of a name; an error: Unavailable for a temporary failure.
using KeyAnswer = Result<std::vector<std::string>>;

// The record to use of a name's, the first that is a key record (RFC 6376 §3.6.2.2). The error's
// text is a reason to tell; Unavailable: for now.
[[nodiscard]] Result<KeyRecord> key_of(const KeyAnswer& answer);

// One signature, its key and the hash of the body being known.
struct Judged {
    Outcome status = Outcome::PermError;
    std::string reason;
};
[[nodiscard]] Judged judge_signature(
    const message::Header& header,
    const message::Field& own,
    const Signature& signature,
    const BodyHash::Digest& body,
    const KeyRecord& key
);

class Verifier {
  public:
    // `header` and the message it was scanned from must stay until finish().
    Verifier(const message::Header& header, Time now, const VerifyLimits& limits = {});

    // The names whose TXT records are wanted, each once. Empty: nothing is worth asking.
    [[nodiscard]] std::vector<std::string> queries() const;
    // What comes after the header's empty line, in order.
    void body(std::string_view part);
    // In the order of the fields. A name that isn't in `keys` counts as a temporary failure.
    [[nodiscard]] std::vector<Verdict> finish(const std::map<std::string, KeyAnswer>& keys);

  private:
    struct One {
        const message::Field* field = nullptr;
        Verdict verdict;
        std::optional<Signature> signature;  // none: the verdict stands already
        std::size_t hash = 0;                // in hashes_
    };
    void read(const message::Field& field);
    void judge(One& one, const BodyHash::Digest& body, const KeyAnswer& keys) const;

    const message::Header& header_;
    Time now_;
    VerifyLimits limits_;
    std::vector<One> all_;
    std::vector<std::unique_ptr<BodyHash>> hashes_;
};

}  // namespace sekisho::dkim
