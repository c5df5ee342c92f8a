// The keys of [reports].
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using C = Config;
using namespace std::chrono_literals;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

bool is_address(const std::string& text) {
    const std::size_t at = text.rfind('@');
    return at != std::string::npos && at > 0 && at + 1 < text.size() &&
           std::ranges::none_of(text, [](char c) { return c <= ' ' || c == '>'; });
}

}  // namespace

std::vector<std::pair<std::string, std::string>> report_faults(const Reports& reports) {
    std::vector<std::pair<std::string, std::string>> out;
    const std::pair<const char*, const std::string&> addresses[] = {
        {"reports.from", reports.from}, {"reports.receive", reports.receive}
    };
    for (const auto& [key, address] : addresses) {
        if (!address.empty() && !is_address(address)) {
            out.emplace_back(key, "must be an address, as \"dmarc-reports@example.net\"");
        }
    }
    return out;
}

Table<C> reports_table() {
    return {
        "reports",
        false,
        "What domains tell each other once a day: who sent as them and passed or failed DMARC "
        "(aggregate reports, RFC 9990), and whether TLS held on the way to them (RFC 8460). "
        "docs/reports.md explains both.",
        {
            text<C>(
                "from",
                SEKISHO_AT(reports.from),
                "Address that reports come from. Its domain must have a DKIM key here, or "
                "receivers don't believe them. Empty: nothing is recorded, and none are sent."
            ),
            text<C>(
                "organization",
                SEKISHO_AT(reports.organization),
                "Who reports, by name. Empty: `provider.name`."
            ),
            text<C>(
                "contact",
                SEKISHO_AT(reports.contact),
                "A URL or an address for questions about the reports. Empty: none is named."
            ),
            flag<C>(
                "dmarc",
                SEKISHO_AT(reports.dmarc),
                "Whether DMARC reports are sent, to the `rua` of the domains that mail said to be "
                "from."
            ),
            flag<C>(
                "tls",
                SEKISHO_AT(reports.tls),
                "Whether TLS reports are sent, to the `rua` at `_smtp._tls.` of the domains that "
                "mail went to."
            ),
            duration<C>(
                "send_after",
                SEKISHO_AT(reports.send_after),
                1min,
                48h,
                "How long after the end of a day (UTC) its reports begin to be sent."
            ),
            duration<C>(
                "spread",
                SEKISHO_AT(reports.spread),
                0s,
                20h,
                "In which time from then on they are sent, each at a moment of its own."
            ),
            flag<C>(
                "failures",
                SEKISHO_AT(reports.failures),
                "Whether single messages that fail DMARC are reported at once, to the `ruf` of the "
                "domain that they said to be from (RFC 9991), with From, Date, Message-ID and "
                "signatures, local parts as digests. Think of the secrecy of mail before."
            ),
            number<C>(
                "failures_per_day",
                SEKISHO_AT(reports.failures_per_day),
                1,
                10'000,
                "How many of them a day about each domain."
            ),
            flag<C>(
                "https",
                SEKISHO_AT(reports.https),
                "Whether TLS reports are sent to https URLs, too, not by mail alone."
            ),
            flag<C>(
                "https_private",
                SEKISHO_AT(reports.https_private),
                "Whether such a URL may lead to an address of a private network. It is a stranger "
                "that names it."
            ),
            text<C>(
                "receive",
                SEKISHO_AT(reports.receive),
                "An address of ours, with an account that receives for it, at which reports of "
                "others about our domains arrive; `sekisho dns` prints records that say so. The "
                "mails stay in the mailbox. Empty: none are read."
            ),
            texts<C>(
                "domains",
                SEKISHO_AT(reports.domains),
                "Domains beside `mail.domains` about which reports are read, such as those of "
                "customers. What is below a domain counts as it does."
            ),
            duration<C>(
                "keep",
                SEKISHO_AT(reports.keep),
                24h,
                24h * 3650,
                "How long reports of others are kept."
            ),
        }
    };
}

#undef SEKISHO_AT

}  // namespace sekisho::config
