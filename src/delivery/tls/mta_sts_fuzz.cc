// Any text as record, policy, rule and host: what is taken keeps its bounds and matches itself.
#include "base/assert.h"
#include "delivery/tls/mta_sts.h"
#include "delivery/tls/policy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace sekisho;
using namespace sekisho::delivery;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto policy = parse_sts_policy(text)) {
        SEKISHO_ASSERT(policy->mx.size() <= kStsHostsMax && policy->max_age >= Duration{0});
        SEKISHO_ASSERT(!policy->mx.empty() || policy->mode == StsPolicy::Mode::None);
        for (const std::string& one : policy->mx) {
            const std::string host = one.starts_with("*.") ? "a" + one.substr(1) : one;
            SEKISHO_ASSERT(is_sts_pattern(one) && sts_matches(policy->mx, host));
        }
    }
    if (const auto id = sts_id({std::string(text)})) {
        SEKISHO_ASSERT(!id->empty() && id->size() <= 32);
    }
    const std::size_t end = std::min(text.find('\n'), text.size());
    TlsRule rule;
    const auto wrong =
        read_tls_rule(text.substr(0, end), text.substr(std::min(end + 1, text.size())), rule);
    SEKISHO_ASSERT(wrong || !rule.domain.empty());
    if (!wrong && !rule.domain.starts_with('.') && rule.domain != "*") {
        SEKISHO_ASSERT(tls_rule_for({rule}, rule.domain) == rule);
    }
    return 0;
}
