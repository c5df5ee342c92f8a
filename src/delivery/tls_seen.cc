#include "delivery/tls_seen.h"

#include "base/bytes.h"
#include "delivery/security.h"
#include "delivery/sts_source.h"
#include "delivery/tls/demand.h"
#include "delivery/tls/mta_sts.h"
#include "delivery/tls/policy.h"
#include "net/tls.h"
#include "net/tlsa.h"
#include "report/tls.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::delivery {
namespace {

using End = TlsSession::End;
using Fault = net::CertificateFault;
using Trouble = StsFinding::Trouble;

constexpr std::size_t kReasonMax = 200;

// As a zone file has it (RFC 6698 §2.2).
std::string record_text(const net::Tlsa& one) {
    return std::to_string(one.usage) + " " + std::to_string(one.selector) + " " +
           std::to_string(one.matching) + " " + hex(one.data);
}

// The lines of its file (RFC 8461 §3.2).
void add_lines(const StsPolicy& policy, report::TlsPolicy& out) {
    out.strings = {"version: STSv1", "mode: " + std::string(name(policy.mode))};
    for (const std::string& mx : policy.mx) {
        out.strings.push_back("mx: " + mx);
    }
    out.strings.push_back(
        "max_age: " +
        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(policy.max_age).count())
    );
    out.mx = policy.mx;
}

bool has_tlsa(const Security& security) {
    return security.tlsa == TlsaFinding::Failed || security.tlsa == TlsaFinding::Unusable ||
           security.tlsa == TlsaFinding::Usable;
}

bool has_sts(const SecurityDomain& domain) {
    return domain.sts.policy && domain.sts.policy->mode != StsPolicy::Mode::None;
}

// DANE counts before MTA-STS (RFC 8461 §2).
report::TlsPolicy policy_of(
    const SecurityDomain& domain, const Security& security, const std::string& host
) {
    report::TlsPolicy out;
    out.type = report::kNoPolicy;
    out.domain = domain.name;
    if (has_tlsa(security) || domain.facts.rule.level == TlsLevel::Dane) {
        // RFC 8460 §1.1: of DANE the policy domain is the TLSA base domain.
        out.type = report::kTlsa;
        out.domain = security.tlsa_base.empty() ? host : security.tlsa_base;
        for (const net::Tlsa& one : security.tlsa_records) {
            out.strings.push_back(record_text(one));
        }
    } else if (has_sts(domain)) {
        out.type = report::kSts;
        add_lines(*domain.sts.policy, out);
    } else if (domain.sts.trouble != Trouble::None) {
        out.type = report::kSts;
    }
    return out;
}

// RFC 8460 §4.3.1
const char* type_of(Fault fault) {
    switch (fault) {
        case Fault::Expired:
            return "certificate-expired";
        case Fault::OtherName:
            return "certificate-host-mismatch";
        case Fault::Untrusted:
            return "certificate-not-trusted";
        case Fault::NoTlsaMatch:
        case Fault::None:
            break;
    }
    return "validation-failure";
}

using Found = std::pair<std::string, std::string>;  // type, reason; empty: no failure

// What the session itself showed. `verifies`: the policy wants a good certificate.
Found session_failure(const TlsSession& session, bool verifies) {
    if (session.end == End::Plain) {
        return {"starttls-not-supported", session.error};
    }
    if (session.end == End::Broken) {
        return {type_of(net::certificate_fault(session.error)), session.error};
    }
    if (session.end == End::Secured && verifies && !session.fault.empty()) {
        return {type_of(net::certificate_fault(session.fault)), session.fault};
    }
    return {};
}

Found dane_failure(const Security& security, const TlsSession& session) {
    switch (security.tlsa) {
        case TlsaFinding::Failed:
            return {"dnssec-invalid", security.tlsa_problem};
        case TlsaFinding::Unusable:
            return {"tlsa-invalid", "none of the TLSA records can be used for mail"};
        case TlsaFinding::Usable:
            // The context has verified what the records say, and nothing else matters.
            return session_failure(session, false);
        default:
            return {"dane-required", security.demand.why};
    }
}

Found sts_failure(const SecurityDomain& domain, const TlsSession& session) {
    if (!sts_matches(domain.sts.policy->mx, session.host)) {
        return {"validation-failure", "the mail host is not among those of the policy"};
    }
    return session_failure(session, true);
}

Found trouble_failure(const StsFinding& sts) {
    switch (sts.trouble) {
        case Trouble::Certificate:
            return {"sts-webpki-invalid", sts.problem};
        case Trouble::Invalid:
            return {"sts-policy-invalid", sts.problem};
        default:
            return {"sts-policy-fetch-error", sts.problem};
    }
}

}  // namespace

std::optional<report::TlsSeen> tls_seen(
    const SecurityDomain& domain, const Security& security, const TlsSession& session
) {
    // Where a rule leaves aside what domains publish, nothing is known of it.
    const TlsLevel level = domain.facts.rule.level;
    if (session.end == End::Nothing || level == TlsLevel::None ||
        level == TlsLevel::Opportunistic) {
        return std::nullopt;
    }
    report::TlsSeen out;
    out.domain = domain.name;
    out.policy = policy_of(domain, security, session.host);
    Found found;
    if (out.policy.type == report::kTlsa) {
        found = dane_failure(security, session);
    } else if (has_sts(domain)) {
        found = sts_failure(domain, session);
    } else if (out.policy.type == report::kSts) {
        found = trouble_failure(domain.sts);
    } else {
        found = session_failure(session, false);
    }
    // The operator's own demand isn't the domain's fault.
    const bool own_demand = session.end == End::Broken && out.policy.type == report::kNoPolicy &&
                            net::certificate_fault(session.error) != Fault::None;
    if (own_demand || (found.first.empty() && session.end == End::Refused)) {
        return std::nullopt;
    }
    if (!found.first.empty()) {
        out.failure.type = std::move(found.first);
        out.failure.reason = printable(found.second, kReasonMax);
        out.failure.sending_ip = session.ours;
        out.failure.mx_host = session.host;
        out.failure.mx_ip = session.theirs;
    }
    return out;
}

}  // namespace sekisho::delivery
