#include "report/failure.h"

#include "base/bytes.h"
#include "base/time.h"
#include "message/encode.h"
#include "message/header.h"
#include "report/dmarc.h"
#include "report/letter.h"
#include "report/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::report {
namespace {

constexpr std::size_t kValueMax = 500, kHeaderMax = 32UL * 1024;
constexpr std::array<std::string_view, 4> kShown{"From", "Date", "Message-ID", "DKIM-Signature"};

bool is_local(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-/=?^_`{|}~.").contains(c);
}

// "taro@example.net" -> "3f2a91@example.net": the same for the same (RFC 6590 §3). Names before an
// address aren't shown.
std::string addresses(std::string_view value, std::string_view key) {
    constexpr std::size_t kDigits = 12;
    std::string out;
    std::size_t at = 0;
    while ((at = value.find('@', at)) != std::string_view::npos) {
        std::size_t begin = at;
        while (begin > 0 && is_local(value[begin - 1])) {
            --begin;
        }
        std::size_t end = at + 1;
        while (end < value.size() && (is_local(value[end]) && value[end] != '/')) {
            ++end;
        }
        const std::string local(value.substr(begin, at - begin));
        const std::string digest = hex(sha256(std::string(key) + "\n" + local)).substr(0, kDigits);
        out += out.empty() ? "" : ", ";
        out += "<" + digest + std::string(value.substr(at, end - at)) + ">";
        at = end;
    }
    return out;
}

std::string shown(const message::Field& field, std::string_view key) {
    const std::string value = printable(field.value(), kValueMax);
    if (iequals(field.name, "From")) {
        return addresses(value, key);
    }
    if (iequals(field.name, "DKIM-Signature")) {
        // i= may name the author.
        std::string kept;
        for (const std::string_view tag : split(value, ';')) {
            if (!trim(tag).starts_with("i=")) {
                kept += (kept.empty() ? "" : "; ") + std::string(trim(tag));
            }
        }
        return kept;
    }
    return value;
}

// RFC 6591 §3.2.2
std::string_view delivery_result(std::string_view disposition) {
    return disposition == "reject"       ? "reject"
           : disposition == "quarantine" ? "policy"
                                         : "delivered";
}

std::string feedback(const DmarcSeen& seen, const FailureParts& parts, Time now) {
    const DmarcRow& row = seen.row;
    std::string results = parts.auth_id + "; dmarc=fail header.from=" + row.header_from;
    for (const AuthResult& one : row.spf) {
        results += "; spf=" + one.result + " smtp.mailfrom=" + one.domain;
    }
    std::string out = "Feedback-Type: auth-failure\r\nUser-Agent: Sekisho/1\r\nVersion: 1\r\n";
    out += "Arrival-Date: " + rfc5322_date(now) + "\r\n";
    out += "Source-IP: " + row.source + "\r\n";
    out += "Reported-Domain: " + row.header_from + "\r\n";
    out += "Auth-Failure: dmarc\r\n";
    out += "Delivery-Result: " + std::string(delivery_result(row.disposition)) + "\r\n";
    const std::string aligned = row.dkim_aligned ? (row.spf_aligned ? "dkim, spf" : "dkim")
                                                 : (row.spf_aligned ? "spf" : "none");
    out += "Identity-Alignment: " + aligned + "\r\n";
    for (const AuthResult& one : row.dkim) {
        results += "; dkim=" + one.result + " header.d=" + one.domain;
    }
    if (!row.dkim.empty()) {
        out += "DKIM-Domain: " + row.dkim.front().domain + "\r\n";
        out += "DKIM-Selector: " + printable(row.dkim.front().selector, kValueMax) + "\r\n";
    }
    return out + message::make_field("Authentication-Results", results);
}

}  // namespace

bool wants_failure(std::string_view options, const DmarcRow& row) {
    const auto fails = [](const AuthResult& one) { return one.result != "pass"; };
    return std::ranges::any_of(split(options, ':'), [&](std::string_view option) {
        return (option == "0" && !row.dkim_aligned && !row.spf_aligned) ||
               (option == "1" && (!row.dkim_aligned || !row.spf_aligned)) ||
               (option == "d" && std::ranges::any_of(row.dkim, fails)) ||
               (option == "s" && std::ranges::any_of(row.spf, fails));
    });
}

std::string redacted_header(std::string_view header, std::string_view key) {
    std::string out;
    const message::Header scanned = message::Header::scan(header);
    for (const message::Field& field : scanned.fields()) {
        const bool told = std::ranges::any_of(kShown, [&field](std::string_view name) {
            return iequals(field.name, name);
        });
        if (told && out.size() < kHeaderMax) {
            out += message::make_field(field.name, shown(field, key));
        }
    }
    return out;
}

Letter failure_letter(
    const DmarcSeen& seen,
    const FailureParts& parts,
    const std::vector<std::string>& to,
    const Sender& sender,
    Time now
) {
    const std::string text = fmt::format(
        "This is a DMARC failure report of {} about a message that said it was from {}, received "
        "from {} at {}.\r\n\r\nIt was asked for by the ruf tag of the record _dmarc.{}. Local "
        "parts of addresses are replaced by digests; nothing of the text is told.\r\n",
        sender.submitter,
        seen.row.header_from,
        seen.row.source,
        rfc3339(now),
        seen.policy.domain
    );
    Letter letter = report_letter(
        {parts.id,
         "FW: DMARC failure of " + seen.row.header_from,
         "multipart/report; report-type=feedback-report",
         {{"text/plain; charset=us-ascii", text},
          {"message/feedback-report", feedback(seen, parts, now)},
          {"text/rfc822-headers", redacted_header(seen.header, parts.key)}}},
        to,
        sender,
        now
    );
    return letter;
}

bool FailureQuota::take(const std::string& domain, std::uint32_t per_day, Time now) {
    const std::int64_t day = day_of(now);
    if (day != day_) {
        day_ = day;
        sent_.clear();
    }
    if (sent_.size() >= kDomainsMax && !sent_.contains(domain)) {
        return false;
    }
    std::uint32_t& sent = sent_[domain];
    if (sent >= per_day) {
        return false;
    }
    ++sent;
    return true;
}

}  // namespace sekisho::report
