#include "message/mime.h"

#include "base/bytes.h"
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

constexpr std::size_t kDepthMax = 5;
constexpr std::size_t kShownMax = 1000;  // octets of one value

std::string value_of(const Header& header, std::string_view name) {
    const Field* const field = header.find(name);
    return field == nullptr ? std::string{} : field->value().substr(0, kShownMax);
}

std::string unbase64_lines(std::string_view body) {
    std::string packed;
    packed.reserve(body.size());
    for (const char c : body) {
        if (c != '\r' && c != '\n' && c != ' ' && c != '\t') {
            packed += c;
        }
    }
    return unbase64(packed).value_or("");
}

// RFC 2045 §6.7; what is no code stays as it is.
std::string unquoted(std::string_view body) {
    std::string out;
    for (std::size_t at = 0; at < body.size(); ++at) {
        if (body[at] != '=') {
            out += body[at];
            continue;
        }
        const std::string_view after = body.substr(at + 1);
        if (after.starts_with("\r\n")) {
            at += 2;
        } else if (after.starts_with("\n")) {
            ++at;
        } else if (const auto octet = unhex(to_lower(after.substr(0, 2)));
                   octet && after.size() >= 2) {
            out += *octet;
            at += 2;
        } else {
            out += '=';
        }
    }
    return out;
}

void collect(
    std::string_view part, std::size_t depth, std::size_t leaves_max, std::vector<Leaf>& out
) {
    const Header header = Header::scan(part);
    const std::string type = value_of(header, "Content-Type");
    Leaf leaf;
    leaf.type = type.empty() ? "text/plain" : media_type(type);
    const std::string boundary = field_parameter(type, "boundary");
    if (leaf.type.starts_with("multipart/") && !boundary.empty()) {
        if (depth < kDepthMax) {
            for (const std::string_view inner :
                 parts_of(part.substr(header.body_offset()), boundary, leaves_max)) {
                collect(inner, depth + 1, leaves_max, out);
            }
        }
        return;
    }
    if (out.size() >= leaves_max) {
        return;
    }
    leaf.name = field_parameter(value_of(header, "Content-Disposition"), "filename");
    if (leaf.name.empty()) {
        leaf.name = field_parameter(type, "name");
    }
    leaf.content = decoded(header, part);
    out.push_back(std::move(leaf));
}

}  // namespace

std::string field_parameter(std::string_view field, std::string_view name) {
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
        const std::string_view value = trim(field.substr(equals + 1));
        if (value.starts_with('"')) {
            const std::size_t end = value.find('"', 1);
            return std::string(value.substr(1, end == std::string_view::npos ? end : end - 1));
        }
        return std::string(trim(value.substr(0, value.find(';'))));
    }
    return {};
}

std::string media_type(std::string_view content_type) {
    return to_lower(trim(content_type.substr(0, content_type.find(';'))));
}

std::vector<std::string_view> parts_of(
    std::string_view body, const std::string& boundary, std::size_t parts_max
) {
    std::vector<std::string_view> out;
    const std::string line = "--" + boundary;
    std::optional<std::size_t> begin;
    std::size_t at = 0;
    while (at < body.size() && out.size() < parts_max) {
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
    if (begin && *begin < body.size() && out.size() < parts_max) {
        out.push_back(body.substr(*begin));
    }
    return out;
}

std::string decoded(const Header& header, std::string_view part) {
    const std::string_view body = part.substr(header.body_offset());
    const std::string encoding = to_lower(value_of(header, "Content-Transfer-Encoding"));
    if (encoding == "base64") {
        return unbase64_lines(body);
    }
    if (encoding == "quoted-printable") {
        return unquoted(body);
    }
    return std::string(body);
}

std::vector<Leaf> leaves_of(std::string_view mail, std::size_t leaves_max) {
    std::vector<Leaf> out;
    collect(mail, 0, leaves_max, out);
    return out;
}

}  // namespace sekisho::message
