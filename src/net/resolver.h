// DNS through libunbound: asynchronous on an executor, DNSSEC-validating.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/task.h"
#include "net/tlsa.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::net {

struct ResolverOptions {
    std::vector<std::string>
        forward_to;                 // "192.0.2.53" or "192.0.2.53@5353"; empty: /etc/resolv.conf
    std::string trust_anchor_file;  // empty: no validation by us
    std::string hosts_file;         // may be empty
    Duration timeout{30'000};       // for one question, with all that it makes libunbound ask
};

struct Mx {
    std::uint16_t preference = 0;
    std::string host;  // lower case, no trailing dot; empty: null MX (RFC 7505)
};

// RFC 2782.
struct Srv {
    std::uint16_t priority = 0, weight = 0, port = 0;
    std::string target;  // lower case, no trailing dot; empty: the service isn't there
};

template <class T>
struct Answer {
    std::vector<T> records;  // empty: the name or the type doesn't exist
    bool secure = false;     // DNSSEC-validated
    // Where CNAMEs led: lower case, no trailing dot; empty: nowhere, the name has none.
    std::string canonical = {};
    bool no_such_name = false;  // NXDOMAIN: nor is there anything below it (RFC 8020)
};

class Resolver {
  public:
    [[nodiscard]] static Result<std::unique_ptr<Resolver>> make(
        Executor executor, const ResolverOptions& options
    );
    virtual ~Resolver() = default;
    // May be asked from any loop. CNAMEs are followed. Invalid: not a domain name.
    // Unavailable: SERVFAIL, bogus or time-out (a temporary failure, RFC 5321 §5.1); an empty
    // answer is no error.
    virtual Task<Result<Answer<Mx>>> mx(std::string domain) = 0;
    // IPv6 first. What one family has is given even when the other fails.
    virtual Task<Result<Answer<IpAddress>>> addresses(std::string host, bool v4, bool v6) = 0;
    virtual Task<Result<Answer<std::string>>> txt(std::string name) = 0;
    virtual Task<Result<Answer<std::string>>> ptr(IpAddress address) = 0;
    // A resolver that doesn't ask for these says Unavailable.
    virtual Task<Result<Answer<Srv>>> srv(std::string name);
    virtual Task<Result<Answer<Tlsa>>> tlsa(std::string name);
};

}  // namespace sekisho::net
