#include "report/hint.h"

#include "report/dmarc.h"
#include "report/ledger.h"
#include "report/tls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::report {
namespace {

std::string domains_that_pass(const std::vector<AuthResult>& results) {
    std::vector<std::string> seen;
    std::string out;
    for (const AuthResult& one : results) {
        if (one.result == "pass" && std::ranges::find(seen, one.domain) == seen.end()) {
            seen.push_back(one.domain);
            out += (out.empty() ? "" : ", ") + one.domain;
        }
    }
    return out;
}

bool failed_signature_of(const DmarcRow& row) {
    return std::ranges::any_of(row.dkim, [&row](const AuthResult& one) {
        return one.result == "fail" &&
               (one.domain == row.header_from || row.header_from.ends_with("." + one.domain));
    });
}

// Why, as far as one record shows.
std::string why_failed(const DmarcRow& row) {
    const std::string spf = domains_that_pass(row.spf);
    const std::string dkim = domains_that_pass(row.dkim);
    if (!spf.empty() || !dkim.empty()) {
        const std::string both = spf + (spf.empty() || dkim.empty() || spf == dkim ? "" : ", ") +
                                 (spf == dkim ? "" : dkim);
        return "It shows that it is " + both +
               ", which is another domain: a service that isn't set up for yours, or a list or a "
               "forwarder";
    }
    if (failed_signature_of(row)) {
        return "It has your signature, and that doesn't hold: the mail was changed on its way, or "
               "the key in the DNS is another one";
    }
    return "Nothing vouches for it: a server of yours that was forgotten, or somebody else";
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kTypes{{
    {"starttls-not-supported",
     "the mail host offered no STARTTLS: it is off there, or something on the way removes it"},
    {"certificate-host-mismatch", "the certificate is for other names than the mail host's"},
    {"certificate-expired", "the certificate had expired"},
    {"certificate-not-trusted",
     "the certificate isn't signed by an authority that senders trust: a self-signed one, or an "
     "intermediate certificate is missing"},
    {"validation-failure",
     "TLS did not come about, or what was shown isn't what the policy or the TLSA records say"},
    {"tlsa-invalid", "the TLSA records can't be used, or none is of the certificate's key"},
    {"dnssec-invalid",
     "the DNS answers about the mail host failed DNSSEC: look at the zone's "
     "signatures"},
    {"dane-required", "the sender demands TLSA records, and there are none that DNSSEC protects"},
    {"sts-policy-fetch-error",
     "the MTA-STS policy could not be fetched from https://mta-sts.DOMAIN/.well-known/mta-sts.txt"},
    {"sts-policy-invalid", "the MTA-STS policy could be fetched, but not understood"},
    {"sts-webpki-invalid", "the web server with the MTA-STS policy has no certificate for its name"
    },
}};

}  // namespace

std::string grouped(std::uint64_t number) {
    std::string out = std::to_string(number);
    constexpr std::size_t kGroup = 3;
    for (std::size_t at = out.size(); at > kGroup;) {
        at -= kGroup;
        out.insert(at, ",");
    }
    return out;
}

std::string hint(const SourceSum& sum) {
    const std::uint64_t all = sum.passed + sum.failed;
    const char* const noun = all == 1 ? "message" : "messages";
    if (sum.failed == 0) {
        const DmarcRow& row = sum.example;
        const char* const by = row.dkim_aligned && row.spf_aligned ? "SPF and DKIM"
                               : row.dkim_aligned ? "DKIM alone, as forwarded mail does"
                                                  : "SPF alone: it doesn't sign";
        return fmt::format(
            "{} sends as {}: {} {}, all pass by {}",
            sum.source,
            sum.header_from,
            grouped(all),
            noun,
            by
        );
    }
    constexpr std::uint64_t kAll = 100;
    const std::uint64_t percent =
        all == 0 ? 0 : std::max<std::uint64_t>(1, sum.failed * kAll / all);
    std::string out = fmt::format(
        "{} sends as {} without aligned SPF or DKIM: {} {}, {}% fail",
        sum.source,
        sum.header_from,
        grouped(all),
        noun,
        percent
    );
    if (sum.refused > 0) {
        out += fmt::format(", {} were quarantined or refused", grouped(sum.refused));
    }
    return out + ". " + why_failed(sum.example);
}

std::string hint(const TlsFailure& failure) {
    const auto* const found = std::ranges::find(
        kTypes,
        std::string_view(failure.type),
        &std::pair<std::string_view, std::string_view>::first
    );
    std::string out = found == kTypes.end() ? "a failure that RFC 8460 has no words for"
                                            : std::string(found->second);
    if (!failure.reason.empty()) {
        out += " (" + failure.reason + ")";
    }
    return out;
}

}  // namespace sekisho::report
