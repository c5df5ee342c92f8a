// An SMTP TLS report (RFC 8460 §4) as a value, and what is seen of one session.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::report {

inline constexpr std::string_view kSts = "sts";
inline constexpr std::string_view kTlsa = "tlsa";
inline constexpr std::string_view kNoPolicy = "no-policy-found";

// The policy that a session was under (§4.4).
struct TlsPolicy {
    std::string type;                  // kSts, kTlsa, kNoPolicy
    std::vector<std::string> strings;  // the policy's lines, the TLSA records
    std::string domain;
    std::vector<std::string> mx;  // patterns of an MTA-STS policy
    friend bool operator==(const TlsPolicy&, const TlsPolicy&) = default;
};

// Why a session had no TLS that the policy wants; result types of §4.3.
struct TlsFailure {
    std::string type;  // empty: it was no failure
    std::string sending_ip;
    std::string mx_host, mx_helo, mx_ip;
    std::string reason;      // failure-reason-code: a few words
    std::string additional;  // where more can be read
    friend bool operator==(const TlsFailure&, const TlsFailure&) = default;
};

struct CountedFailure {
    TlsFailure failure;
    std::uint64_t count = 1;
    friend bool operator==(const CountedFailure&, const CountedFailure&) = default;
};

struct TlsResult {
    TlsPolicy policy;
    std::uint64_t succeeded = 0, failed = 0;
    std::vector<CountedFailure> failures;
};

struct TlsReport {
    std::string organization, contact, id;
    Time begin{}, end{};
    std::vector<TlsResult> results;
};

// One session outward.
struct TlsSeen {
    std::string domain;  // whose TLSRPT record says who wants to know
    TlsPolicy policy;
    TlsFailure failure;
};

// Equal values have equal texts.
[[nodiscard]] std::string pack(const TlsPolicy& policy);
[[nodiscard]] Result<TlsPolicy> unpack_tls_policy(std::string_view text);
[[nodiscard]] std::string pack(const TlsFailure& failure);  // empty: no failure
[[nodiscard]] Result<TlsFailure> unpack_failure(std::string_view text);

}  // namespace sekisho::report
