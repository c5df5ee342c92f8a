#include "cli/report_making.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "mail/sender_lookups.h"
#include "net/http_client.h"
#include "net/idn.h"
#include "net/resolver.h"
#include "net/wait.h"
#include "report/archive.h"
#include "report/destination.h"
#include "report/dmarc.h"
#include "report/dmarc_xml.h"
#include "report/ledger.h"
#include "report/letter.h"
#include "report/recorder.h"
#include "report/tls.h"
#include "report/tls_json.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr Duration kPatience = std::chrono::seconds(20);

using Texts = Result<net::Answer<std::string>>;

Texts txt(const Asking& asking, const std::string& name) {
    return net::wait_for(asking.executor, asking.resolver.txt(name));
}

// The organization that a host belongs to; nullopt: an answer is missing.
std::optional<std::string> organization_of(const Asking& asking, const std::string& host) {
    mail::Dns dns{&asking.resolver, asking.executor, std::chrono::steady_clock::now() + kPatience};
    dmarc::Input input;
    input.author = host;
    const auto found =
        net::wait_for(asking.executor, mail::look_up_dmarc(std::move(dns), std::move(input)));
    return found.result == dmarc::Result::TempError ? std::nullopt
                                                    : std::optional(found.organization);
}

// RFC 9990 §4: who is somebody else must want it.
class Permissions {
  public:
    Permissions(const Asking& asking, const report::DmarcDay& day) : asking_(asking), day_(day) {}

    void take(const std::string& uri, Destinations& out) {
        const auto mailbox = report::parse_mailto(uri);
        if (!mailbox) {
            out.problems.push_back(printable(uri) + ": no address that can be used");
            return;
        }
        if (mailbox->host == day_.policy.domain || mailbox->host == day_.organization) {
            out.open.push_back(uri);
            return;
        }
        const auto organization = organization_of(asking_, mailbox->host);
        if (!organization) {
            out.temporary = true;
            out.problems.push_back(uri + ": no answer of the DNS about " + mailbox->host);
            return;
        }
        if (*organization == day_.organization) {
            out.open.push_back(uri);
            return;
        }
        ask_permission(uri, *mailbox, out);
    }

  private:
    void ask_permission(const std::string& uri, const report::Mailbox& mailbox, Destinations& out) {
        const std::string name = report::permission_name(day_.policy.domain, mailbox.host);
        if (name.empty()) {
            out.problems.push_back(uri + ": the name of its permission is too long");
            return;
        }
        const Texts answer = txt(asking_, name);
        if (!answer) {
            out.temporary = true;
            out.problems.push_back(uri + ": " + answer.error().message);
            return;
        }
        const report::Permission permission = report::permission_of(answer->records, mailbox.host);
        if (!permission.given) {
            out.problems.push_back(uri + ": " + name + " doesn't say that it wants reports");
            return;
        }
        if (permission.rua.empty()) {
            out.open.push_back(uri);
        }
        for (const std::string& instead : permission.rua) {
            out.open.push_back(instead);
        }
    }

    const Asking& asking_;
    const report::DmarcDay& day_;
};

// Once each, and no more than we send to.
void bound(Destinations& out) {
    std::vector<std::string> once;
    for (std::string& one : out.open) {
        if (once.size() < report::kDestinationsMax && std::ranges::find(once, one) == once.end()) {
            once.push_back(std::move(one));
        }
    }
    out.open = std::move(once);
}

// Those of the job's addresses that take a mail of this size (RFC 9990 §3.5).
void choose(const report::Job& job, std::string_view packed, MadeReport& out) {
    constexpr std::uint64_t kBase64 = 78;  // octets of a line with 57 of the file
    constexpr std::uint64_t kLine = 57;
    const std::uint64_t size = packed.size() * kBase64 / kLine + kBase64;
    for (const std::string& uri : job.open) {
        const auto mailbox = report::parse_mailto(uri);
        if (!mailbox) {
            continue;
        }
        const bool fits = !mailbox->bytes_max || size <= *mailbox->bytes_max;
        (fits ? out.to : out.too_large).push_back(mailbox->address);
    }
}

Result<MadeReport> make_dmarc(
    report::Ledger& ledger, const report::Job& job, const config::Config& config, Time now
) {
    auto day = ledger.dmarc_day(job.slot);
    if (!day) {
        return fail(day.error());
    }
    report::DmarcReport report;
    report.by.organization = config.reports.organization;
    report.by.email = config.reports.from;
    report.by.contact = config.reports.contact;
    report.by.generator = "Sekisho " SEKISHO_VERSION;
    report.by.id = job.id;
    report.begin = report::begin_of(job.slot.day);
    report.end = report::begin_of(job.slot.day + 1) - std::chrono::seconds(1);
    report.policy = std::move(day->policy);
    report.rows = std::move(day->rows);
    MadeReport out;
    out.packed = report::gzip(report::write_dmarc(report));
    choose(job, out.packed, out);
    out.letter = report::dmarc_letter(report, out.packed, out.to, sender_of(config), now);
    return out;
}

Result<MadeReport> make_tls(
    report::Ledger& ledger, const report::Job& job, const config::Config& config, Time now
) {
    auto results = ledger.tls_day(job.slot);
    if (!results) {
        return fail(results.error());
    }
    report::TlsReport report;
    report.organization = config.reports.organization;
    report.contact = config.reports.contact.empty() ? config.reports.from : config.reports.contact;
    report.id = job.id;
    report.begin = report::begin_of(job.slot.day);
    report.end = report::begin_of(job.slot.day + 1) - std::chrono::seconds(1);
    report.results = std::move(*results);
    MadeReport out;
    out.packed = report::gzip(report::write_tls(report));
    choose(job, out.packed, out);
    out.letter =
        report::tls_letter(report, job.slot.domain, out.packed, out.to, sender_of(config), now);
    return out;
}

}  // namespace

Destinations dmarc_destinations(const Asking& asking, const report::DmarcDay& day) {
    Destinations out;
    Permissions permissions(asking, day);
    for (std::size_t i = 0; i < day.rua.size() && i < report::kDestinationsMax; ++i) {
        permissions.take(day.rua[i], out);
    }
    bound(out);
    return out;
}

Destinations tls_destinations(
    const Asking& asking, const config::Reports& config, const std::string& domain
) {
    Destinations out;
    const std::string name = "_smtp._tls." + domain;
    const Texts answer = txt(asking, name);
    if (!answer) {
        out.temporary = true;
        out.problems.push_back(answer.error().message);
        return out;
    }
    const auto wanted = report::tlsrpt_destinations(answer->records);
    if (!wanted) {
        out.problems.push_back(name + " has no record of TLSRPT, or several");
        return out;
    }
    for (const std::string& uri : *wanted) {
        const auto url = net::HttpUrl::parse(uri);
        if (report::parse_mailto(uri) || (url && url->tls && config.https)) {
            out.open.push_back(uri);
        } else {
            out.problems.push_back(printable(uri) + ": no destination that can be used");
        }
    }
    bound(out);
    return out;
}

Result<MadeReport> make_report(
    report::Ledger& ledger, const report::Job& job, const config::Config& config, Time now
) {
    return job.slot.kind == report::Kind::Dmarc ? make_dmarc(ledger, job, config, now)
                                                : make_tls(ledger, job, config, now);
}

report::Sender sender_of(const config::Config& config) {
    return {
        config.reports.organization, config.reports.from, submitter_of(config), config.mail.hostname
    };
}

std::string submitter_of(const config::Config& config) {
    const std::string domain = config.reports.from.substr(config.reports.from.rfind('@') + 1);
    return net::to_a_labels(domain).value_or(domain);
}

std::string new_report_id(const report::Slot& slot, const std::string& submitter) {
    constexpr int kBits = 60;
    std::string unique;
    for (const char c : random_token(kBits)) {
        unique +=
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? c : 'x';
    }
    return report::date_of(slot.day) + "." + slot.domain + "." + unique + "@" + submitter;
}

}  // namespace sekisho::cli
