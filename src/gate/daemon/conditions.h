// What the DNS must say while a lease lives (lease::Conditions): looked up when the lease is new,
// and again and again.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "lease/lease.h"
#include "net/resolver.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::gate {

class ConditionWatch {
  public:
    // From a thread of its own: empty text: all that the lease asks for holds.
    using Verdict = std::function<void(std::int64_t lease, const std::string& why_not)>;

    [[nodiscard]] static Result<std::unique_ptr<ConditionWatch>> start(
        const net::ResolverOptions& resolver, Verdict verdict
    );
    virtual ~ConditionWatch() = default;  // ends; no verdict comes after it

    // Looks up what the leases ask for; returns at once. A look-up that fails for now (SERVFAIL, no
    // answer) gives no verdict: the next round will. While a round runs, another is not begun:
    // false.
    virtual bool look(const std::vector<lease::Lease>& leases, std::vector<std::string> dnsbl) = 0;
};

}  // namespace sekisho::gate
