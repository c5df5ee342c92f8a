// Verifying a chain (RFC 8617 §5.2). Pure: begin, ask the DNS for queries(), hand in the body in
// parts, finish.
#pragma once

#include "arc/chain.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "dkim/verify.h"
#include "message/header.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::arc {

enum class Result : std::uint8_t { None, Pass, Fail };
[[nodiscard]] std::string_view name(Result result);  // as RFC 8617 §9.1 has them

struct Verdict {
    Result result = Result::None;
    std::string reason;      // of a fail
    bool temporary = false;  // of a fail: a key could not be looked up
    // Of a pass, from the first who sealed to the last.
    struct Sealer {
        std::string domain, selector;
        std::string authserv_id, findings;  // what it found when the message came in
    };
    std::vector<Sealer> sealers;
    // The first set whose signature, and all after it, still fit: since then nothing was changed.
    // RFC 8617 §5.2 step 4.C; 0: since the very first.
    std::size_t oldest_pass = 0;
};

class Verifier {
  public:
    // `header` and the message it was scanned from must stay until finish().
    Verifier(const message::Header& header, Time now);

    // The names whose TXT records are wanted, each once. Empty: nothing is worth asking.
    [[nodiscard]] std::vector<std::string> queries() const;
    void body(std::string_view part);
    // A name that isn't in `keys` counts as a temporary failure.
    [[nodiscard]] Verdict finish(const std::map<std::string, dkim::KeyAnswer>& keys);

  private:
    using Keys = std::map<std::string, dkim::KeyAnswer>;
    [[nodiscard]] bool check_signature_of(std::size_t at, const Keys& keys, Verdict& verdict) const;
    [[nodiscard]] bool check_seal_of(std::size_t at, const Keys& keys, Verdict& verdict) const;
    [[nodiscard]] std::string sealed_octets(std::size_t at) const;
    void find_oldest(const Keys& keys, Verdict& verdict) const;

    const message::Header& header_;
    Time now_;
    std::vector<Set> sets_;
    std::string broken_;  // why the chain fails already
    std::vector<std::unique_ptr<dkim::BodyHash>> hashes_;
    std::vector<std::size_t> hash_of_;  // by set
    std::vector<dkim::BodyHash::Digest> digests_;
};

}  // namespace sekisho::arc
