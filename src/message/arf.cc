#include "message/arf.h"

#include "base/bytes.h"
#include "base/result.h"
#include "message/encode.h"
#include "message/header.h"
#include "message/mime.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::message {
namespace {

constexpr std::size_t kPartsMax = 20;
constexpr std::size_t kListMax = 100;    // recipients, trace fields
constexpr std::size_t kShownMax = 1000;  // octets of one value

std::string value_of(const Header& header, std::string_view name) {
    const Field* const field = header.find(name);
    return field == nullptr ? std::string{} : field->value().substr(0, kShownMax);
}

std::string without_brackets(std::string_view text) {
    text = trim(text);
    if (text.starts_with('<') && text.ends_with('>') && text.size() >= 2) {
        text = text.substr(1, text.size() - 2);
    }
    return std::string(text.substr(0, kShownMax));
}

void read_report(std::string_view text, Complaint& out) {
    // Its fields come in groups like those of a header (RFC 5965 §2 d).
    const Header fields = Header::scan(text);
    out.type = to_lower(value_of(fields, "Feedback-Type"));
    out.user_agent = value_of(fields, "User-Agent");
    out.mail_from = without_brackets(value_of(fields, "Original-Mail-From"));
    out.source_ip = value_of(fields, "Source-IP");
    out.auth_failure = to_lower(value_of(fields, "Auth-Failure"));
    out.reported_domain = to_lower(value_of(fields, "Reported-Domain"));
    out.delivery_result = to_lower(value_of(fields, "Delivery-Result"));
    for (const Field* to : fields.find_all("Original-Rcpt-To")) {
        if (out.rcpt_to.size() < kListMax) {
            out.rcpt_to.push_back(without_brackets(to->value()));
        }
    }
}

// " id 0c4x8k2m1q;" of a Received field.
std::string id_of(std::string_view received) {
    const std::size_t at = received.find(" id ");
    if (at == std::string_view::npos) {
        return {};
    }
    std::string_view rest = trim(received.substr(at + 4));
    return std::string(rest.substr(0, std::min(rest.find_first_of(" \t;"), std::size_t{64})));
}

void read_original(std::string_view text, Complaint& out) {
    const Header header = Header::scan(text);
    out.message_id = value_of(header, "Message-ID");
    out.subject = decode_words(value_of(header, "Subject"));
    for (const Field* field : header.find_all("Received")) {
        std::string id = id_of(field->value());
        if (!id.empty() && out.queue_ids.size() < kListMax) {
            out.queue_ids.push_back(std::move(id));
        }
    }
}

}  // namespace

Result<Complaint> parse_complaint(std::string_view message) {
    const Header header = Header::scan(message);
    const std::string type = value_of(header, "Content-Type");
    const std::string boundary = field_parameter(type, "boundary");
    if (media_type(type) != "multipart/report" || boundary.empty() ||
        !iequals(field_parameter(type, "report-type"), "feedback-report")) {
        return fail(Errc::Invalid, "it is no multipart/report of report-type feedback-report");
    }
    Complaint out;
    for (const std::string_view part :
         parts_of(message.substr(header.body_offset()), boundary, kPartsMax)) {
        const Header head = Header::scan(part);
        const std::string kind = media_type(value_of(head, "Content-Type"));
        if (kind == "message/feedback-report") {
            read_report(decoded(head, part), out);
        } else if (kind == "message/rfc822" || kind == "text/rfc822-headers") {
            read_original(decoded(head, part), out);
        }
    }
    if (out.type.empty()) {
        return fail(Errc::Invalid, "it has no message/feedback-report with a Feedback-Type");
    }
    return out;
}

}  // namespace sekisho::message
