// The MTA-STS policies of other domains (RFC 8461): their records are asked for, their policies
// fetched, kept in the store and fetched anew after a day or when the record has another id.
//
// A policy that is known and hasn't expired counts whatever the DNS and the web say now (§5.1): who
// could only suppress it gains nothing. A fetch that fails isn't repeated for five minutes (§3.3).
// Of many who ask about a domain at once one fetches and the others wait for it.
#pragma once

#include "base/time.h"
#include "delivery/tls/mta_sts.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/tls.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sekisho::delivery {

struct StsFinding {
    std::optional<StsPolicy> policy;  // in force
    std::string id;                   // of its record
    Time fetched{}, expires{};
    std::string problem;  // why there is none, or no newer one; empty: nothing is wrong
    // What was wrong with a policy that the record promises (RFC 8460 §4.3.2.2).
    enum class Trouble : std::uint8_t { None, Fetch, Invalid, Certificate };
    Trouble trouble = Trouble::None;
};

class StsSource {
  public:
    struct Deps {
        net::Resolver& resolver;
        net::Workers& workers;
        StsStore& store;
        std::shared_ptr<const net::TlsContext> tls;  // TlsContext::client_verified()
        std::uint16_t port = 443;                    // of the servers; another one for tests
        std::function<Time()> clock = now;
    };
    [[nodiscard]] static std::shared_ptr<StsSource> make(Deps deps);
    virtual ~StsSource() = default;
    // From any loop. `domain`: A-labels, lower case.
    [[nodiscard]] virtual net::Task<StsFinding> find(
        net::Executor executor, std::string domain
    ) = 0;
};

}  // namespace sekisho::delivery
