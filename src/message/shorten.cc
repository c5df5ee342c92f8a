#include "message/shorten.h"

#include "base/bytes.h"
#include "base/result.h"
#include "message/encode.h"
#include "message/field_words.h"
#include "message/header.h"
#include "message/mime.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::message {
namespace {

constexpr int kDepthMax = 20;

std::string value_of(const Header& header, std::string_view name) {
    const Field* const field = header.find(name);
    return field == nullptr ? std::string{} : field->value();
}

Result<std::string> shorten(std::string_view part, bool message, bool header_only, int depth);

// What stands between the delimiters of a multipart (RFC 2046 §5.1.1), each part by itself. What is
// before the first and behind the last is for nobody to read, and left out where it is too long.
Result<std::string> shorten_parts(std::string_view body, const std::string& boundary, int depth) {
    const std::string delimiter = "--" + boundary;
    std::string out;
    std::size_t begin = 0;  // of what stands since the last delimiter
    bool inside = false;
    bool any = false;
    const auto take = [&](std::string_view piece) -> Status {
        if (!has_long_line(piece)) {
            out += piece;
        } else if (inside) {
            // The line end before a delimiter is the delimiter's.
            const bool ends = piece.ends_with("\r\n");
            const auto shorter =
                shorten(piece.substr(0, piece.size() - (ends ? 2 : 0)), false, false, depth);
            if (!shorter) {
                return fail(shorter.error());
            }
            out += *shorter;
            out += shorter->ends_with("\r\n") ? "" : "\r\n";
        }
        return {};
    };
    for (std::size_t at = 0; at < body.size();) {
        const std::size_t end = body.find('\n', at);
        const std::size_t next = end == std::string_view::npos ? body.size() : end + 1;
        std::string_view row = body.substr(at, next - at);
        row = row.substr(0, row.find_last_not_of(" \t\r\n") + 1);
        if (row == delimiter || row == delimiter + "--") {
            if (const Status done = take(body.substr(begin, at - begin)); !done) {
                return fail(done.error());
            }
            out += body.substr(at, next - at);
            inside = row.size() == delimiter.size();
            any = true;
            begin = next;
        }
        at = next;
    }
    if (!any) {
        return fail(Errc::Invalid, "its parts can't be told apart");
    }
    if (const Status done = take(body.substr(begin)); !done) {
        return fail(done.error());
    }
    return out;
}

struct Leaf {
    std::string body;
    std::string encoding;
};

// Text that is mostly ASCII stays readable; of the rest base64 is shorter.
bool fits_quoted_printable(std::string_view type, std::string_view content) {
    const auto odd = std::ranges::count_if(content, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x80 || (byte < 32 && c != '\r' && c != '\n' && c != '\t') || c == '=';
    });
    return (type.empty() || type.starts_with("text/")) &&
           static_cast<std::size_t>(odd) * 6 <= content.size();
}

Result<Leaf> encode_leaf(const Header& header, std::string_view part, const std::string& type) {
    const std::string was = to_lower(trim(value_of(header, "Content-Transfer-Encoding")));
    Leaf out;
    std::string content = decoded(header, part);
    if (was == "base64" && content.empty()) {
        return fail(Errc::Invalid, "a part of it is no base64");
    }
    if (was.empty() || was == "7bit" || was == "8bit" || was == "binary") {
        out.encoding = fits_quoted_printable(type, content) ? "quoted-printable" : "base64";
    } else if (was == "base64" || was == "quoted-printable") {
        out.encoding = was;
    } else {
        return fail(Errc::Invalid, "a part of it has an unknown encoding");
    }
    out.body = out.encoding == "base64" ? base64_lines(content) : quoted_printable(content);
    if (!out.body.ends_with("\r\n")) {
        out.body += "\r\n";
    }
    return out;
}

Result<Leaf> shorten_body(const Header& header, std::string_view part, int depth) {
    const std::string value = value_of(header, "Content-Type");
    const std::string type = media_type(value);
    const std::string_view body = part.substr(header.body_offset());
    if (depth > kDepthMax) {
        return fail(Errc::Invalid, "its parts are nested too deeply");
    }
    if (type == "multipart/signed" || type == "multipart/encrypted") {
        return fail(Errc::Invalid, "it is signed or encrypted");
    }
    if (type.starts_with("multipart/")) {
        const std::string boundary = field_parameter(value, "boundary");
        if (boundary.empty()) {
            return fail(Errc::Invalid, "its parts can't be told apart");
        }
        auto parts = shorten_parts(body, boundary, depth + 1);
        return parts ? Result<Leaf>(Leaf{std::move(*parts), {}}) : fail(parts.error());
    }
    // RFC 2046 §5.2: these have no encoding of their own.
    if (type == "message/rfc822" || type == "message/global") {
        auto inner = shorten(body, true, false, depth + 1);
        return inner ? Result<Leaf>(Leaf{std::move(*inner), {}}) : fail(inner.error());
    }
    if (type.starts_with("message/")) {
        return fail(Errc::Invalid, "a part of it may not be encoded");
    }
    return encode_leaf(header, part, type);
}

// The fields that say how the body is encoded.
std::string mime_fields(const Header& header, bool message, const Leaf& leaf, bool ascii) {
    std::string out;
    if (message && header.find("MIME-Version") == nullptr) {
        out += make_field("MIME-Version", "1.0");
    }
    if (header.find("Content-Type") == nullptr) {
        out += make_field(
            "Content-Type", std::string("text/plain; charset=") + (ascii ? "us-ascii" : "utf-8")
        );
    }
    return out + make_field("Content-Transfer-Encoding", leaf.encoding);
}

// A whole message, or a part of one with its header.
Result<std::string> shorten(std::string_view part, bool message, bool header_only, int depth) {
    if (!has_long_line(part)) {
        return std::string(part);
    }
    const Header header = Header::scan(part);
    if (!header.complete()) {
        return fail(Errc::Invalid, "its header is too large");
    }
    const std::string_view body = part.substr(header.body_offset());
    Leaf leaf{std::string(header_only || has_long_line(body) ? "" : body), {}};
    const bool anew = !header_only && has_long_line(body);
    if (header_only) {
        leaf.body = body;
    } else if (anew) {
        auto shorter = shorten_body(header, part, depth);
        if (!shorter) {
            return fail(shorter.error());
        }
        leaf = std::move(*shorter);
    }
    std::string out;
    for (const Field& field : header.fields()) {
        if (!leaf.encoding.empty() && iequals(field.name, "Content-Transfer-Encoding")) {
            continue;
        }
        const bool fold = has_long_line(field.whole);
        const std::string shorter = fold ? make_field(field.name, field.value()) : std::string{};
        if (has_long_line(shorter)) {
            return fail(
                Errc::Invalid, fmt::format("the field {} can't be folded", printable(field.name))
            );
        }
        out += fold ? std::string_view(shorter) : field.whole;
    }
    if (!out.empty() && !out.ends_with('\n')) {
        out += "\r\n";
    }
    if (!leaf.encoding.empty()) {
        out += mime_fields(header, message, leaf, is_ascii(body));
    }
    out += "\r\n";
    return out + leaf.body;
}

}  // namespace

bool has_long_line(std::string_view text) {
    std::size_t at = 0;
    while (text.size() - at > kLineMax) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::size_t length = end - at - (end > at && text[end - 1] == '\r' ? 1 : 0);
        if (length > kLineMax) {
            return true;
        }
        if (end == text.size()) {
            return false;
        }
        at = end + 1;
    }
    return false;
}

Result<std::string> shorten_lines(std::string_view message, bool header_only) {
    return shorten(message, true, header_only, 0);
}

}  // namespace sekisho::message
