#include "mail/dmarc_seen.h"

#include "arc/verify.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "dmarc/record.h"
#include "mail/authenticity.h"
#include "report/dmarc.h"
#include "report/failure.h"
#include "spf/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr std::size_t kHumanMax = 200;
constexpr std::size_t kSignaturesMax =
    20;  // kept of a message: each way to sign is a row of its own

report::DmarcPolicy published(const dmarc::Outcome& outcome) {
    const dmarc::Record& record = *outcome.record;
    const dmarc::Policy subdomains = record.subdomains.value_or(record.policy);
    report::DmarcPolicy out;
    out.domain = outcome.policy_domain;
    out.method = "treewalk";
    out.p = name(record.policy);
    out.sp = name(subdomains);
    out.np = name(record.nonexistent.value_or(subdomains));
    out.adkim = record.strict_dkim ? "s" : "r";
    out.aspf = record.strict_spf ? "s" : "r";
    out.testing = record.testing ? "y" : "n";
    return out;
}

bool aligned(const dmarc::Outcome& outcome, std::string_view method) {
    return std::ranges::any_of(outcome.aligned, [method](const std::string& one) {
        return one.starts_with(method);
    });
}

// RFC 9990 §3.1.3: those that pass and align first, then those that pass.
std::vector<report::AuthResult> signatures(const Findings& findings) {
    const dmarc::Outcome& outcome = *findings.dmarc;
    std::array<std::vector<report::AuthResult>, 4> ranks;
    for (const SignatureFinding& each : findings.signatures) {
        report::AuthResult one;
        one.domain = to_lower(each.domain);
        one.selector = each.selector;
        one.result = each.result;
        one.human = printable(each.reason, kHumanMax);
        const bool passes = each.status == dmarc::Status::Pass;
        const bool aligns =
            std::ranges::find(outcome.aligned, "dkim " + one.domain) != outcome.aligned.end();
        const std::size_t rank = !passes ? 3 : one.domain == outcome.author ? 0 : aligns ? 1 : 2;
        ranks.at(rank).push_back(std::move(one));
    }
    std::vector<report::AuthResult> out;
    for (auto& rank : ranks) {
        for (report::AuthResult& one : rank) {
            if (out.size() < kSignaturesMax && !one.domain.empty()) {
                out.push_back(std::move(one));
            }
        }
    }
    return out;
}

// RFC 8617 §7.2.2
std::string chain_comment(const arc::Verdict& chain) {
    std::string out = "arc=pass";
    for (std::size_t i = chain.sealers.size(); i > 0; --i) {
        const arc::Verdict::Sealer& one = chain.sealers[i - 1];
        out += fmt::format(" as[{0}].d={1} as[{0}].s={2}", i, one.domain, one.selector);
    }
    return printable(out, kHumanMax);
}

// What was done, and why it isn't what the policy asks for (RFC 9990 §3.1.6).
void judge(
    const Findings& findings, const config::Mail& mail, bool refused, report::DmarcRow& row
) {
    using dmarc::Policy;
    const dmarc::Outcome& outcome = *findings.dmarc;
    row.disposition = refused ? "reject" : "none";
    if (outcome.result == dmarc::Result::Pass) {
        if (refused) {
            row.reasons.push_back({"local_policy", "the message has more than one From field"});
        } else if (outcome.policy != Policy::None) {
            row.disposition = "pass";
        }
        return;
    }
    if (outcome.result != dmarc::Result::Fail) {
        row.reasons.push_back({"other", "the message could not be checked for now"});
        return;
    }
    if (outcome.policy != outcome.disposition) {
        row.reasons.push_back({"policy_test_mode", ""});
    }
    if (refused || outcome.disposition == Policy::None) {
        return;
    }
    if (mail.dmarc != "enforce") {
        row.reasons.push_back({"local_policy", "policies are recorded here, not enforced"});
    } else if (vouched_by_chain(findings, mail)) {
        row.reasons.push_back({"local_policy", chain_comment(*findings.chain)});
    } else {
        // The mail says so (Authentication-Results), for who files it.
        row.disposition = "quarantine";
    }
}

}  // namespace

std::optional<report::DmarcSeen> dmarc_seen(
    const Findings& findings,
    const config::Mail& mail,
    const IpAddress& client,
    const std::string& envelope_to,
    bool refused
) {
    if (!findings.dmarc || !findings.dmarc->record ||
        (findings.dmarc->record->aggregate_reports.empty() &&
         findings.dmarc->record->failure_reports.empty())) {
        return std::nullopt;
    }
    const dmarc::Outcome& outcome = *findings.dmarc;
    report::DmarcSeen out;
    out.policy = published(outcome);
    out.rua = outcome.record->aggregate_reports;
    out.organization = outcome.organization;
    report::DmarcRow& row = out.row;
    row.source = client.text();
    row.header_from = outcome.author;
    row.envelope_to = to_lower(envelope_to);
    row.dkim_aligned = aligned(outcome, "dkim ");
    row.spf_aligned = aligned(outcome, "spf ");
    judge(findings, mail, refused, row);
    row.dkim = signatures(findings);
    if (findings.spf_query) {
        row.envelope_from = to_lower(findings.spf_query->sender_domain);
    }
    if (findings.spf && !findings.spf->domain.empty()) {
        report::AuthResult spf;
        spf.domain = to_lower(findings.spf->domain);
        spf.scope = "mfrom";  // the only one there is (RFC 9990 §3.1.1.13)
        spf.result = spf::name(findings.spf->result);
        spf.human = printable(findings.spf->problem, kHumanMax);
        row.spf.push_back(std::move(spf));
    }
    return out;
}

void add_failure(const Findings& findings, std::string_view header, report::DmarcSeen& seen) {
    if (findings.dmarc && findings.dmarc->record && findings.dmarc->result == dmarc::Result::Fail &&
        report::wants_failure(findings.dmarc->record->failure_options, seen.row)) {
        seen.ruf = findings.dmarc->record->failure_reports;
        seen.header = seen.ruf.empty() ? "" : std::string(header);
    }
}

}  // namespace sekisho::mail
