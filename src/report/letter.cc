#include "report/letter.h"

#include "base/bytes.h"
#include "base/time.h"
#include "message/encode.h"
#include "message/header.h"
#include "report/dmarc.h"
#include "report/ledger.h"
#include "report/tls.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::report {
namespace {

constexpr std::string_view kPrefix = "<sekisho-report.";

std::int64_t seconds(Time at) {
    constexpr std::int64_t kSecond = 1000;
    return to_ms(at) / kSecond;
}

// Of the id alone: a letter that is made again is the same.
std::string boundary_of(std::string_view id) {
    constexpr std::size_t kLength = 24;
    return "=_" + hex(sha256(id)).substr(0, kLength);
}

struct Parts {
    std::string id, domain, text, file, media_type, packed;
};

std::string subject_of(const Parts& parts, const Sender& sender) {
    return fmt::format(
        "Report Domain: {} Submitter: {} Report-ID: <{}>", parts.domain, sender.submitter, parts.id
    );
}

std::string head(
    const std::string& subject,
    const std::vector<std::string>& to,
    const Sender& sender,
    Time now,
    const std::string& message_id
) {
    std::string all;
    for (const std::string& one : to) {
        all += (all.empty() ? "<" : ", <") + one + ">";
    }
    std::string out;
    out += message::make_field(
        "From", message::encode_words(sender.organization + " reports") + " <" + sender.from + ">"
    );
    out += message::make_field("To", all);
    out += message::make_field("Subject", subject);
    out += message::make_field("Date", rfc5322_date(now));
    out += message::make_field("Message-ID", message_id);
    // RFC 3834 §5.1
    out += message::make_field("Auto-Submitted", "auto-generated");
    out += message::make_field("MIME-Version", "1.0");
    return out;
}

std::string body(const Parts& parts, const std::string& boundary) {
    std::string out = "\r\n--" + boundary + "\r\n";
    out += "Content-Type: text/plain; charset=utf-8\r\n";
    out += "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    out += message::quoted_printable(parts.text) + "\r\n";
    out += "--" + boundary + "\r\n";
    out += "Content-Type: " + parts.media_type + ";\r\n name=\"" + parts.file + "\"\r\n";
    out += "Content-Transfer-Encoding: base64\r\n";
    out += "Content-Disposition: attachment;\r\n filename=\"" + parts.file + "\"\r\n\r\n";
    out += message::base64_lines(parts.packed);
    return out + "--" + boundary + "--\r\n";
}

std::string id_of_message(const std::string& id, const Sender& sender) {
    constexpr std::size_t kLength = 32;
    return fmt::format("{}{}@{}>", kPrefix, hex(sha256(id)).substr(0, kLength), sender.hostname);
}

}  // namespace

std::string file_name(
    std::string_view submitter, std::string_view domain, Time begin, Time end, Kind kind
) {
    return fmt::format(
        "{}!{}!{}!{}.{}.gz",
        submitter,
        domain,
        seconds(begin),
        seconds(end),
        kind == Kind::Dmarc ? "xml" : "json"
    );
}

Letter dmarc_letter(
    const DmarcReport& report,
    std::string_view packed,
    const std::vector<std::string>& to,
    const Sender& sender,
    Time now
) {
    Parts parts;
    parts.id = report.by.id;
    parts.domain = report.policy.domain;
    parts.file =
        file_name(sender.submitter, report.policy.domain, report.begin, report.end, Kind::Dmarc);
    parts.media_type = "application/gzip";
    parts.packed = packed;
    std::uint64_t messages = 0;
    std::uint64_t failed = 0;
    for (const CountedRow& one : report.rows) {
        messages += one.count;
        failed += one.row.passed() ? 0 : one.count;
    }
    parts.text = fmt::format(
        "This is a DMARC aggregate report of {} about mail from {}, {} to {}.\r\n\r\n"
        "Messages: {}, of which {} failed DMARC. Details are in the attached file.\r\n\r\n"
        "It was asked for by the rua tag of the record _dmarc.{}.\r\n",
        sender.submitter,
        report.policy.domain,
        rfc3339(report.begin),
        rfc3339(report.end),
        messages,
        failed,
        report.policy.domain
    );
    Letter letter;
    letter.message_id = id_of_message(parts.id, sender);
    const std::string boundary = boundary_of(parts.id);
    letter.message = head(subject_of(parts, sender), to, sender, now, letter.message_id);
    letter.message += "Content-Type: multipart/mixed;\r\n boundary=\"" + boundary + "\"\r\n";
    letter.message += body(parts, boundary);
    return letter;
}

Letter tls_letter(
    const TlsReport& report,
    std::string_view domain,
    std::string_view packed,
    const std::vector<std::string>& to,
    const Sender& sender,
    Time now
) {
    Parts parts;
    parts.id = report.id;
    parts.domain = domain;
    parts.file = file_name(sender.submitter, domain, report.begin, report.end, Kind::Tls);
    parts.media_type = "application/tlsrpt+gzip";
    parts.packed = packed;
    std::uint64_t good = 0;
    std::uint64_t bad = 0;
    for (const TlsResult& one : report.results) {
        good += one.succeeded;
        bad += one.failed;
    }
    parts.text = fmt::format(
        "This is an SMTP TLS report of {} about connections for mail to {}, {} to {}.\r\n\r\n"
        "Sessions: {} with TLS as wanted, {} without. Details are in the attached file.\r\n\r\n"
        "It was asked for by the record _smtp._tls.{}.\r\n",
        sender.submitter,
        domain,
        rfc3339(report.begin),
        rfc3339(report.end),
        good,
        bad,
        domain
    );
    Letter letter;
    letter.message_id = id_of_message(parts.id, sender);
    const std::string boundary = boundary_of(parts.id);
    letter.message = head(subject_of(parts, sender), to, sender, now, letter.message_id);
    letter.message += message::make_field("TLS-Report-Domain", domain);
    letter.message += message::make_field("TLS-Report-Submitter", sender.submitter);
    letter.message += "TLS-Required: No\r\n";
    letter.message += "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"" +
                      boundary + "\"\r\n";
    letter.message += body(parts, boundary);
    return letter;
}

Letter report_letter(
    const TextLetter& written, const std::vector<std::string>& to, const Sender& sender, Time now
) {
    Letter letter;
    letter.message_id = id_of_message(written.id, sender);
    const std::string boundary = boundary_of(written.id);
    letter.message = head(written.subject, to, sender, now, letter.message_id);
    letter.message +=
        "Content-Type: " + written.media_type + ";\r\n boundary=\"" + boundary + "\"\r\n";
    for (const auto& [type, content] : written.parts) {
        letter.message += "\r\n--" + boundary + "\r\nContent-Type: " + type + "\r\n\r\n" + content;
    }
    letter.message += "\r\n--" + boundary + "--\r\n";
    return letter;
}

bool is_own_letter(std::string_view message_id) {
    return message_id.starts_with(kPrefix);
}

}  // namespace sekisho::report
