// What a domain says by MTA-STS (RFC 8461): its record, its policy, and which hosts it names. Pure.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {

// The id in the TXT records of "_mta-sts.DOMAIN" (RFC 8461 §3.1). nullopt: there isn't exactly one
// record that begins with "v=STSv1;", or it is malformed: no policy.
[[nodiscard]] std::optional<std::string> sts_id(const std::vector<std::string>& records);

struct StsPolicy {
    enum class Mode : std::uint8_t { None, Testing, Enforce };
    Mode mode = Mode::None;
    std::vector<std::string> mx;  // lower case; "*." first: any one label
    Duration max_age{0};
    friend bool operator==(const StsPolicy&, const StsPolicy&) = default;
};
[[nodiscard]] std::string_view name(StsPolicy::Mode mode);

// RFC 8461 §3.3 allows senders a limit; policies in use have under 1 KiB.
inline constexpr std::size_t kStsPolicyMax = 64UL * 1024;
inline constexpr std::size_t kStsHostsMax = 1000;

// The body of https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461 §3.2). Of a repeated field
// the first counts, except mx; unknown fields are skipped.
[[nodiscard]] Result<StsPolicy> parse_sts_policy(std::string_view text);

// A host name of the DNS; the same with "*." in front allowed.
[[nodiscard]] bool is_sts_host(std::string_view text);
[[nodiscard]] bool is_sts_pattern(std::string_view text);

// RFC 8461 §4.1: "*.example.net" is one label and no more. `patterns` lower case.
[[nodiscard]] bool sts_matches(const std::vector<std::string>& patterns, std::string_view host);

// A policy as it was fetched.
struct StoredSts {
    std::string id;    // of the record at that time
    std::string text;  // the policy's body
    Time fetched{};
    Time expires{};
    friend bool operator==(const StoredSts&, const StoredSts&) = default;
};

// Where policies are kept across restarts, since a policy that is known protects from who can now
// hide it (RFC 8461 §10.2). Called on workers.
class StsStore {
  public:
    virtual ~StsStore() = default;
    [[nodiscard]] virtual Result<std::optional<StoredSts>> find(std::string_view domain) = 0;
    virtual Status remember(std::string_view domain, const StoredSts& policy) = 0;
};

}  // namespace sekisho::delivery
