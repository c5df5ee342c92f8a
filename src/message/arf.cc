#include "message/arf.h"

#include "base/bytes.h"
#include "base/result.h"
#include "message/encode.h"
#include "message/header.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::message {
namespace {

constexpr std::size_t kPartsMax = 20;
constexpr std::size_t kListMax = 100;    // recipients, trace fields
constexpr std::size_t kShownMax = 1000;  // octets of one value

// A parameter of a structured field (RFC 2045 §5.1): "; name=value" or "; name="value"".
std::string parameter(std::string_view field, std::string_view name) {
    std::size_t at = 0;
    while ((at = field.find(';', at)) != std::string_view::npos) {
        ++at;
        const std::size_t equals = field.find('=', at);
        if (equals == std::string_view::npos) {
            return {};
        }
        if (!iequals(trim(field.substr(at, equals - at)), name)) {
            continue;
        }
        std::string_view value = trim(field.substr(equals + 1));
        if (value.starts_with('"')) {
            const std::size_t end = value.find('"', 1);
            return std::string(value.substr(1, end == std::string_view::npos ? end : end - 1));
        }
        return std::string(trim(value.substr(0, value.find(';'))));
    }
    return {};
}

std::string type_of(std::string_view field) {
    return to_lower(trim(field.substr(0, field.find(';'))));
}

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

// The parts between boundary lines (RFC 2046 §5.1.1), the last one as far as it goes.
std::vector<std::string_view> parts_of(std::string_view body, const std::string& boundary) {
    std::vector<std::string_view> out;
    const std::string line = "--" + boundary;
    std::optional<std::size_t> begin;
    std::size_t at = 0;
    while (at < body.size() && out.size() < kPartsMax) {
        const std::size_t end = body.find('\n', at);
        const std::size_t next = end == std::string_view::npos ? body.size() : end + 1;
        const std::string_view row = trim(body.substr(at, next - at));
        if (row == line || row == line + "--") {
            if (begin) {
                out.push_back(body.substr(*begin, at - *begin));
            }
            begin = next;
            if (row.size() != line.size()) {
                return out;
            }
        }
        at = next;
    }
    if (begin && *begin < body.size() && out.size() < kPartsMax) {
        out.push_back(body.substr(*begin));
    }
    return out;
}

// A part's content, its transfer encoding undone where that is base64.
std::string content(const Header& header, std::string_view part) {
    const std::string_view body = part.substr(header.body_offset());
    if (!iequals(value_of(header, "Content-Transfer-Encoding"), "base64")) {
        return std::string(body);
    }
    std::string packed;
    for (const char c : body) {
        if (c != '\r' && c != '\n' && c != ' ' && c != '\t') {
            packed += c;
        }
    }
    return unbase64(packed).value_or("");
}

void read_report(std::string_view text, Complaint& out) {
    // Its fields come in groups like those of a header (RFC 5965 §2 d).
    const Header fields = Header::scan(text);
    out.type = to_lower(value_of(fields, "Feedback-Type"));
    out.user_agent = value_of(fields, "User-Agent");
    out.mail_from = without_brackets(value_of(fields, "Original-Mail-From"));
    out.source_ip = value_of(fields, "Source-IP");
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
    const std::string boundary = parameter(type, "boundary");
    if (type_of(type) != "multipart/report" || boundary.empty() ||
        !iequals(parameter(type, "report-type"), "feedback-report")) {
        return fail(Errc::Invalid, "it is no multipart/report of report-type feedback-report");
    }
    Complaint out;
    for (const std::string_view part : parts_of(message.substr(header.body_offset()), boundary)) {
        const Header head = Header::scan(part);
        const std::string kind = type_of(value_of(head, "Content-Type"));
        if (kind == "message/feedback-report") {
            read_report(content(head, part), out);
        } else if (kind == "message/rfc822" || kind == "text/rfc822-headers") {
            read_original(content(head, part), out);
        }
    }
    if (out.type.empty()) {
        return fail(Errc::Invalid, "it has no message/feedback-report with a Feedback-Type");
    }
    return out;
}

}  // namespace sekisho::message
