// The client's side of SASL, for logins at the servers of others: SCRAM-SHA-256 and
// SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), PLAIN (RFC 4616) and LOGIN. Pure, but SCRAM's second
// message takes milliseconds to compute: step() belongs on a worker.
#pragma once

#include "account/sasl.h"
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {

// A server that asks for more is refused: it would make this side compute (RFC 7677 §4 asks for
// 4096; a million takes about half a second).
inline constexpr std::uint32_t kScramIterationsMax = 1'000'000;

struct ClientLogin {
    std::string login, password;
};

// The best mechanism of those offered ("PLAIN", "SCRAM-SHA-256", in any case) that this side knows:
// one that doesn't show the password before one that does, one bound to the connection first.
// nullopt: none.
[[nodiscard]] std::optional<Mechanism> choose_mechanism(
    const std::vector<std::string>& offered, const ChannelBindings& bindings
);

class SaslClient {
  public:
    // `nonce`: as SaslServer::make has it, for SCRAM only. `bindings`: as the connection has them.
    // nullptr: a mechanism that only the server's side knows, or -PLUS without a binding.
    [[nodiscard]] static std::unique_ptr<SaslClient> make(
        Mechanism mechanism, ClientLogin who, std::string nonce, const ChannelBindings& bindings
    );
    virtual ~SaslClient() = default;

    // The initial response; nullopt: the mechanism has none, the server speaks first.
    [[nodiscard]] virtual std::optional<std::string> start() = 0;
    // Invalid: the server's message is malformed or wrong; cancel the exchange ("*").
    [[nodiscard]] virtual Result<std::string> step(std::string_view challenge) = 0;
    // Whether a success may be believed now. SCRAM: when the server has proven that it knows the
    // password too.
    [[nodiscard]] virtual bool complete() const = 0;
};

}  // namespace sekisho::account
