#include "mail/authenticity.h"

#include "arc/verify.h"
#include "base/bytes.h"
#include "base/time.h"
#include "config/config.h"
#include "dkim/signature.h"
#include "dmarc/check.h"
#include "dmarc/record.h"
#include "message/auth_results.h"
#include "message/header.h"
#include "message/repair.h"
#include "net/idn.h"
#include "smtp/address.h"
#include "smtp/reply.h"
#include "spf/check.h"
#include "spf/received.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

// What a value may be without any quotes, so that a filter that reads our field carelessly isn't
// told "dmarc=pass" by a sender's local part.
bool is_plain(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(".-_+").find(c) != std::string_view::npos;
    });
}

message::MethodResult spf_result(const spf::Query& query, const spf::Outcome& outcome) {
    message::MethodResult out{"spf", std::string(spf::name(outcome.result)), {}, {}, {}};
    const std::string domain = is_plain(outcome.domain) ? outcome.domain : "invalid";
    if (outcome.identity == spf::Identity::Helo) {
        out.properties.push_back({"smtp.helo", domain});
    } else {
        const bool whole = is_plain(query.sender_local);
        out.properties.push_back(
            {"smtp.mailfrom", whole ? query.sender_local + "@" + domain : domain}
        );
    }
    return out;
}

message::MethodResult dkim_result(const SignatureFinding& finding) {
    message::MethodResult out{"dkim", finding.result, {}, finding.reason, {}};
    const auto add = [&out](const char* name, const std::string& value) {
        if (!value.empty()) {
            out.properties.push_back({name, value});
        }
    };
    add("header.d", finding.domain);
    add("header.s", finding.selector);
    add("header.a", finding.algorithm);
    add("header.b", finding.signature);
    return out;
}

message::MethodResult dmarc_result(const dmarc::Outcome& outcome) {
    message::MethodResult out{"dmarc", std::string(dmarc::name(outcome.result)), {}, {}, {}};
    out.properties.push_back({"header.from", outcome.author});
    if (!outcome.policy_domain.empty()) {
        out.comment = fmt::format(
            "p={} dis={}{}",
            dmarc::name(outcome.policy),
            dmarc::name(outcome.disposition),
            outcome.testing ? " t=y" : ""
        );
        out.properties.push_back({"polrec.p", std::string(dmarc::name(outcome.policy))});
        if (outcome.policy_domain != outcome.author) {
            out.properties.push_back({"polrec.domain", outcome.policy_domain});
        }
    }
    return out;
}

// RFC 8617 §10.2
message::MethodResult arc_result(const arc::Verdict& chain) {
    message::MethodResult out{"arc", std::string(arc::name(chain.result)), {}, chain.reason, {}};
    if (chain.result == arc::Result::Pass) {
        out.comment = fmt::format("i={}", chain.sealers.size());
        out.properties.push_back({"header.oldest-pass", std::to_string(chain.oldest_pass)});
    }
    return out;
}

// RFC 8601 §3
message::MethodResult iprev_result(const peer::Facts& facts) {
    const bool pass = !facts.confirmed.empty();
    const char* result = pass ? "pass" : facts.names_known ? "fail" : "temperror";
    message::MethodResult out{"iprev", result, {}, {}, {}};
    out.comment = pass && is_plain(facts.confirmed.front()) ? facts.confirmed.front() : "";
    out.properties.push_back({"policy.iprev", facts.address.text()});
    return out;
}

}  // namespace

spf::Query spf_query(
    const IpAddress& client,
    const std::string& helo,
    const std::optional<smtp::Address>& sender,
    const std::string& hostname,
    Time now
) {
    spf::Query out;
    out.client = client;
    out.helo = helo;
    out.receiver = hostname;
    out.seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    if (sender) {
        out.sender_local = sender->local;
        out.sender_domain = net::to_a_labels(sender->domain).value_or(sender->domain);
    }
    return out;
}

dmarc::Input dmarc_input(const message::Header& header, const Findings& findings) {
    dmarc::Input out;
    std::vector<std::string> domains;
    for (const std::string& address : message::inspect(header).from) {
        const std::string domain = address.substr(address.rfind('@') + 1);
        domains.push_back(net::to_a_labels(domain).value_or(std::string()));
    }
    out.author = dmarc::author_domain(domains);
    if (findings.spf) {
        dmarc::Identifier spf{dmarc::Method::Spf, dmarc::Status::Other, findings.spf->domain};
        if (findings.spf->result == spf::Code::Pass) {
            spf.status = dmarc::Status::Pass;
        } else if (findings.spf->result == spf::Code::TempError) {
            spf.status = dmarc::Status::TempError;
        }
        out.identifiers.push_back(std::move(spf));
    }
    for (const SignatureFinding& each : findings.signatures) {
        out.identifiers.push_back({dmarc::Method::Dkim, each.status, each.domain});
    }
    return out;
}

std::vector<message::MethodResult> results(const Findings& findings, const config::Mail& mail) {
    std::vector<message::MethodResult> out;
    if (findings.peer) {
        out.push_back(iprev_result(*findings.peer));
    }
    if (findings.spf && mail.spf != "off") {
        out.push_back(spf_result(*findings.spf_query, *findings.spf));
    }
    for (const SignatureFinding& each : findings.signatures) {
        out.push_back(dkim_result(each));
    }
    if (findings.chain && findings.chain->result != arc::Result::None) {
        out.push_back(arc_result(*findings.chain));
    }
    if (findings.dmarc && !findings.dmarc->author.empty()) {
        out.push_back(dmarc_result(*findings.dmarc));
        if (const auto by = vouched_by_chain(findings, mail)) {
            out.back().reason = "not enforced: the chain of " + *by + " vouches for it";
        }
    }
    return out;
}

std::string fields(const Findings& findings, const config::Mail& mail) {
    std::string out;
    const auto all = results(findings, mail);
    if (!all.empty()) {
        out += message::auth_results_field(mail.hostname, all);
    }
    if (findings.spf && mail.spf != "off") {
        out += message::make_field(
            "Received-SPF", spf::received_value(*findings.spf_query, *findings.spf)
        );
    }
    return out;
}

std::string summary(const Findings& findings) {
    std::string out;
    const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : " ") + text; };
    if (findings.spf) {
        add(fmt::format("spf={}", spf::name(findings.spf->result)));
    }
    for (const SignatureFinding& each : findings.signatures) {
        add(fmt::format("dkim={} ({})", each.result, printable(each.domain, 80)));
    }
    if (findings.chain && findings.chain->result != arc::Result::None) {
        std::string sealers;
        for (const auto& sealer : findings.chain->sealers) {
            sealers += (sealers.empty() ? " (" : ", ") + printable(sealer.domain, 80);
        }
        add(fmt::format(
            "arc={}{}{}", arc::name(findings.chain->result), sealers, sealers.empty() ? "" : ")"
        ));
    }
    if (findings.dmarc && !findings.dmarc->author.empty()) {
        add(fmt::format("dmarc={}", dmarc::name(findings.dmarc->result)));
        if (!findings.dmarc->policy_domain.empty()) {
            add(fmt::format("(p={})", dmarc::name(findings.dmarc->policy)));
        }
    }
    return out;
}

std::optional<smtp::Reply> refuse_spf(const Findings& findings, const config::Mail& mail) {
    if (mail.spf != "enforce" || !findings.spf || findings.spf->result != spf::Code::Fail) {
        return std::nullopt;
    }
    std::string text =
        "SPF: the " + printable(spf::sentence(*findings.spf_query, *findings.spf), 300);
    if (!findings.spf->explanation.empty()) {
        text += fmt::format("; {} says: {}", findings.spf->domain, findings.spf->explanation);
    }
    return smtp::reply(550, "5.7.23", std::move(text));  // RFC 7372 §3.2
}

std::optional<smtp::Reply> refuse_dmarc(
    const Findings& findings, const config::Mail& mail, std::size_t from_fields
) {
    if (mail.dmarc != "enforce" || !findings.dmarc) {
        return std::nullopt;
    }
    // Against RFC 5322 §3.6, and a way around DMARC: a mail program shows one of them.
    if (from_fields > 1) {
        return smtp::reply(550, "5.6.0", "Refused: more than one From field");
    }
    if (findings.dmarc->disposition != dmarc::Policy::Reject || vouched_by_chain(findings, mail)) {
        return std::nullopt;
    }
    std::string dkim;
    for (const SignatureFinding& each : findings.signatures) {
        dkim += (dkim.empty() ? "" : ", ") + each.result + " of " + printable(each.domain, 80);
    }
    return smtp::reply(
        550,
        "5.7.1",
        fmt::format(
            "Refused as the DMARC policy of {} asks: nothing shows that the mail is from {} (SPF: "
            "{}{}; DKIM: {})",
            findings.dmarc->policy_domain,
            findings.dmarc->author,
            findings.spf ? spf::name(findings.spf->result) : "not checked",
            findings.spf ? " of " + printable(findings.spf->domain, 80) : "",
            dkim.empty() ? "none" : dkim
        )
    );
}

std::optional<std::string> vouched_by_chain(const Findings& findings, const config::Mail& mail) {
    if (!findings.chain || findings.chain->result != arc::Result::Pass || !findings.dmarc ||
        findings.dmarc->result != dmarc::Result::Fail) {
        return std::nullopt;
    }
    const auto trusted = [&mail](const arc::Verdict::Sealer& sealer) {
        return std::ranges::any_of(mail.arc_trusted, [&sealer](const std::string& domain) {
            return dkim::is_within(sealer.domain, to_lower(domain));
        });
    };
    // Each could have changed the message and what was found before it.
    if (!std::ranges::all_of(findings.chain->sealers, trusted)) {
        return std::nullopt;
    }
    const arc::Verdict::Sealer& first = findings.chain->sealers.front();
    for (const std::string_view one : split(first.findings, ';')) {
        const std::string found = to_lower(trim(one));
        if (found.starts_with("dmarc=pass") &&
            found.find("header.from=" + findings.dmarc->author) != std::string::npos) {
            return first.domain;
        }
    }
    return std::nullopt;
}

std::vector<std::string> own_ids(const config::Mail& mail) {
    std::vector<std::string> out{to_lower(mail.hostname)};
    for (const std::string& domain : mail.domains) {
        out.push_back(to_lower(domain));
    }
    return out;
}

}  // namespace sekisho::mail
