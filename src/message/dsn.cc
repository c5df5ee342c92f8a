#include "message/dsn.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "message/dsn_text.h"
#include "message/encode.h"
#include "message/header.h"
#include "message/repair.h"
#include "replies/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::message {
namespace {

constexpr std::size_t kLineMax = 998;   // RFC 5322 §2.1.1
constexpr std::size_t kValueMax = 800;  // of what a peer made us write in one field

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 128;
    });
}

bool is_printable_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 32 && static_cast<unsigned char>(c) < 127;
    });
}

// What RFC 5322 and 8BITMIME let pass: CRLF line ends only, no NUL, lines of at most 998.
bool is_line_clean(std::string_view text) {
    std::size_t line_start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\0' || (c == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) ||
            (c == '\n' && (i == 0 || text[i - 1] != '\r'))) {
            return false;
        }
        if (c == '\n') {
            line_start = i + 1;
        } else if (i - line_start > kLineMax) {
            return false;
        }
    }
    return true;
}

// A peer's text in a field that must be ASCII: other bytes become \xNN.
std::string ascii(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (out.size() >= kValueMax) {
            break;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\t' || c == '\r' || c == '\n') {
            out += ' ';
        } else if (byte < 32 || byte > 126) {
            out += fmt::format("\\x{:02X}", byte);
        } else {
            out += c;
        }
    }
    return out;
}

// RFC 6533 §3: the ASCII form of an address with other letters, each as \x{HEX}.
std::string typed_address(std::string_view address) {
    if (is_ascii(address)) {
        return "rfc822; " + ascii(address);
    }
    if (!is_utf8(address)) {
        return "rfc822; " + ascii(address);
    }
    std::string out = "utf-8; ";
    for (std::size_t i = 0; i < address.size() && out.size() < kValueMax;) {
        const auto first = static_cast<unsigned char>(address[i]);
        if (first < 128) {
            out += ascii(address.substr(i, 1));
            ++i;
            continue;
        }
        const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
        std::uint32_t code = first & (0xFFU >> (length + 1));
        for (std::size_t k = 1; k < length; ++k) {
            code = (code << 6U) | (static_cast<unsigned char>(address[i + k]) & 0x3FU);
        }
        out += fmt::format("\\x{{{:X}}}", code);
        i += length;
    }
    return out;
}

// RFC 3464 §2.3.1: the decoded ORCPT; nothing when it isn't printable.
std::optional<std::string> original_recipient(std::string_view orcpt) {
    const std::size_t semicolon = orcpt.find(';');
    if (semicolon == std::string_view::npos || semicolon == 0) {
        return std::nullopt;
    }
    const std::string_view type = orcpt.substr(0, semicolon);
    const std::optional<std::string> decoded = decode_xtext(orcpt.substr(semicolon + 1));
    if (!decoded || decoded->empty() || !is_printable_ascii(*decoded) ||
        !is_printable_ascii(type)) {
        return std::nullopt;
    }
    return std::string(type) + "; " + decoded->substr(0, kValueMax);
}

bool digits(std::string_view text, std::size_t max) {
    return !text.empty() && text.size() <= max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

char class_of(DsnAction action) {
    switch (action) {
        case DsnAction::Failed:
            return '5';
        case DsnAction::Delayed:
            return '4';
        case DsnAction::Delivered:
        case DsnAction::Relayed:
        case DsnAction::Expanded:
            return '2';
    }
    return '5';
}

// The class of the status must say the same as the action (RFC 3464 §2.3.4): a message given up
// after many 4xx replies has failed.
std::string status_of(const DsnRecipient& recipient) {
    std::string status = recipient.status;
    if (!replies::is_status(status)) {
        status = status_of_reply(
            recipient.diagnostic_is_reply ? recipient.diagnostic : "", recipient.action
        );
    }
    status[0] = class_of(recipient.action);
    return status;
}

std::string status_part(const DsnRequest& request) {
    std::string out;
    const std::optional<std::string> envid = decode_xtext(request.envid);
    if (envid && !envid->empty() && is_printable_ascii(*envid)) {
        out += make_field("Original-Envelope-Id", envid->substr(0, kValueMax));
    }
    out += make_field("Reporting-MTA", "dns; " + ascii(request.reporting_mta));
    if (request.arrival) {
        out += make_field("Arrival-Date", rfc5322_date(*request.arrival));
    }
    if (!request.original_queue_id.empty()) {
        out += make_field("X-Sekisho-Queue-ID", ascii(request.original_queue_id));
    }
    for (const DsnRecipient& recipient : request.recipients) {
        out += "\r\n";
        if (const auto original = original_recipient(recipient.orcpt)) {
            out += make_field("Original-Recipient", *original);
        }
        out += make_field("Final-Recipient", typed_address(recipient.address));
        out += make_field("Action", name(recipient.action));
        out += make_field("Status", status_of(recipient));
        if (!recipient.remote_mta.empty()) {
            out += make_field("Remote-MTA", "dns; " + ascii(recipient.remote_mta));
        }
        if (!recipient.diagnostic.empty()) {
            const std::string_view type = recipient.diagnostic_is_reply ? "smtp; " : "x-sekisho; ";
            out += make_field("Diagnostic-Code", std::string(type) + ascii(recipient.diagnostic));
        }
        if (recipient.last_attempt) {
            out += make_field("Last-Attempt-Date", rfc5322_date(*recipient.last_attempt));
        }
        if (recipient.retry_until && recipient.action == DsnAction::Delayed) {
            out += make_field("Will-Retry-Until", rfc5322_date(*recipient.retry_until));
        }
    }
    return out;
}

// RFC 3461 §4.3: RET governs failure only; any other notice carries the header alone.
bool returns_in_full(const DsnRequest& request) {
    const bool failed = std::any_of(
        request.recipients.begin(),
        request.recipients.end(),
        [](const DsnRecipient& recipient) { return recipient.action == DsnAction::Failed; }
    );
    return failed && !iequals(request.ret, "HDRS") &&
           request.original.size() <= request.returned_max && is_line_clean(request.original) &&
           (request.allow_8bit || is_ascii(request.original));
}

// The header as text, whole fields, at most returned_max.
std::string header_text(const DsnRequest& request, const Header& original) {
    std::string out;
    for (const Field& field : original.fields()) {
        if (out.size() + field.whole.size() > request.returned_max) {
            break;
        }
        std::string_view rest = field.whole;
        while (!rest.empty()) {
            const std::size_t lf = std::min(rest.find('\n'), rest.size());
            std::string_view text = rest.substr(0, lf);
            if (text.ends_with('\r')) {
                text.remove_suffix(1);
            }
            out += text;
            out += "\r\n";
            rest.remove_prefix(std::min(lf + 1, rest.size()));
        }
    }
    return out;
}

// Header fields and body of one body part.
std::string original_part(const DsnRequest& request, const Header& original, bool in_full) {
    if (in_full) {
        std::string out = make_field("Content-Type", "message/rfc822");
        if (!is_ascii(request.original)) {
            out += make_field("Content-Transfer-Encoding", "8bit");
        }
        return out + "\r\n" + std::string(request.original);
    }
    const std::string fields = header_text(request, original);
    if (is_ascii(fields) && is_line_clean(fields)) {
        return make_field("Content-Type", "text/rfc822-headers") + "\r\n" + fields;
    }
    // RFC 6522 §4: headers that are not legal 7-bit may be quoted-printable.
    return make_field("Content-Type", "text/rfc822-headers") +
           make_field("Content-Transfer-Encoding", "quoted-printable") + "\r\n" +
           quoted_printable(fields);
}

std::string boundary_for(const DsnRequest& request) {
    std::string boundary = "=_sekisho_" + encode_xtext(request.dsn_id).substr(0, 40);
    std::replace(boundary.begin(), boundary.end(), '+', '_');
    while (request.original.contains(boundary)) {
        boundary += '_';
        if (boundary.size() > 69) {  // RFC 2046 §5.1.1: at most 70
            boundary = "=_" + hex(sha256(request.original)).substr(0, 40);
        }
    }
    return boundary;
}

std::string top_header(const DsnRequest& request, const Dsn& dsn, std::string_view boundary) {
    std::string out;
    out += make_field("From", "Mail Delivery System <" + request.from + ">");
    out += make_field("To", "<" + request.to + ">");
    out += make_field("Subject", encode_words(dsn_subject(request)));
    out += make_field("Date", rfc5322_date(request.now));
    out += make_field("Message-ID", dsn.message_id);
    const std::string original_id = inspect(Header::scan(request.original)).message_id;
    if (!original_id.empty() && is_ascii(original_id)) {
        out += make_field("In-Reply-To", original_id);
        out += make_field("References", original_id);
    }
    out += make_field("Auto-Submitted", "auto-replied");  // RFC 3834 §5
    out += make_field("MIME-Version", "1.0");
    out += make_field(
        "Content-Type",
        "multipart/report; report-type=delivery-status; boundary=\"" + std::string(boundary) + "\""
    );
    if (dsn.body_8bit) {
        out += make_field("Content-Transfer-Encoding", "8bit");
    }
    return out;
}

}  // namespace

std::string_view name(DsnAction action) {
    switch (action) {
        case DsnAction::Failed:
            return "failed";
        case DsnAction::Delayed:
            return "delayed";
        case DsnAction::Delivered:
            return "delivered";
        case DsnAction::Relayed:
            return "relayed";
        case DsnAction::Expanded:
            return "expanded";
    }
    return "failed";
}

Result<Dsn> build_dsn(const DsnRequest& request) {
    if (request.to.empty()) {
        return fail(Errc::Invalid, "a notification is never sent to the null reverse-path");
    }
    if (request.recipients.empty()) {
        return fail(Errc::Invalid, "a notification needs a recipient to speak of");
    }
    if (request.reporting_mta.empty() || request.from.empty() || request.dsn_id.empty()) {
        return fail(Errc::Invalid, "a notification needs a reporting host, a sender and an id");
    }
    const Header original = Header::scan(request.original);
    const bool in_full = returns_in_full(request);
    const std::string boundary = boundary_for(request);
    const std::string delimiter = "\r\n--" + boundary;

    Dsn dsn;
    dsn.message_id = "<" + request.dsn_id + "@" + request.reporting_mta + ">";
    dsn.body_8bit = in_full && !is_ascii(request.original);
    dsn.smtputf8 = !is_ascii(request.to) || !is_ascii(request.from);
    dsn.message = top_header(request, dsn, boundary);
    dsn.message += delimiter + "\r\n";
    dsn.message += make_field("Content-Type", "text/plain; charset=utf-8");
    dsn.message += make_field("Content-Transfer-Encoding", "base64");
    dsn.message += make_field("Content-Language", "ja, en") + "\r\n";
    dsn.message += base64_lines(dsn_text(request, original, in_full));
    dsn.message += delimiter + "\r\n";
    dsn.message += make_field("Content-Type", "message/delivery-status") + "\r\n";
    dsn.message += status_part(request);
    dsn.message += delimiter + "\r\n";
    dsn.message += original_part(request, original, in_full);
    dsn.message += delimiter + "--\r\n";
    return dsn;
}

bool dsn_wanted(std::string_view notify, DsnAction action) {
    if (trim(notify).empty()) {
        // RFC 3461 §4.1: without NOTIFY, failures certainly and delays at our choice.
        return action == DsnAction::Failed || action == DsnAction::Delayed;
    }
    std::string_view wanted = "SUCCESS";
    if (action == DsnAction::Failed) {
        wanted = "FAILURE";
    } else if (action == DsnAction::Delayed) {
        wanted = "DELAY";
    }
    for (const std::string_view keyword : split(notify, ',')) {
        if (iequals(trim(keyword), wanted)) {
            return true;
        }
    }
    return false;
}

std::string status_of_reply(std::string_view reply, DsnAction action) {
    if (const std::string_view status = replies::status_in(reply); !status.empty()) {
        return std::string(status);
    }
    const bool has_code = reply.size() >= 3 && digits(reply.substr(0, 3), 3);
    if (has_code && (reply[0] == '2' || reply[0] == '4' || reply[0] == '5')) {
        return std::string(1, reply[0]) + ".0.0";
    }
    return std::string(1, class_of(action)) + ".0.0";
}

}  // namespace sekisho::message
