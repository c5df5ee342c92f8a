#include "message/auth_results.h"

#include "base/bytes.h"
#include "message/header.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {
namespace {

constexpr std::size_t kShownMax = 250;
constexpr std::size_t kCommentDepthMax = 50;
constexpr std::string_view kFieldName = "Authentication-Results";

// RFC 2045 §5.1. Bytes beyond ASCII may stand in a token of an internationalized header (RFC 8616
// §5), but are quoted here: older readers know that form.
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return c > 0x20 && c < 0x7F &&
               std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
    });
}

std::string quoted_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : printable(text, kShownMax)) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out + '"';
}

// pvalue of RFC 8601 §2.2: a value, or an address whose local part needs no quotes, or "@domain".
std::string property_value(std::string_view text) {
    const std::size_t at = text.rfind('@');
    const std::string_view local = text.substr(0, at == std::string_view::npos ? 0 : at);
    const bool address = at != std::string_view::npos && is_token(text.substr(at + 1)) &&
                         (local.empty() || is_token(local));
    return address || is_token(text) ? std::string(text) : quoted_string(text);
}

std::string in_comment(std::string_view text) {
    std::string out = "(";
    for (const char c : printable(text, kShownMax)) {
        if (c == '(' || c == ')' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out + ')';
}

// Comments and white space (RFC 5322 §3.2.2) before an authserv-id.
std::string_view skip_cfws(std::string_view text) {
    std::size_t depth = 0;
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '(') {
            if (++depth > kCommentDepthMax) {
                return {};
            }
        } else if (c == ')' && depth > 0) {
            --depth;
        } else if (c == '\\' && depth > 0) {
            ++at;
        } else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            break;
        }
    }
    return depth > 0 || at >= text.size() ? std::string_view() : text.substr(at);
}

}  // namespace

std::string auth_results_field(std::string_view id, const std::vector<MethodResult>& results) {
    std::string value = is_token(id) ? std::string(id) : quoted_string(id);
    if (results.empty()) {
        value += "; none";
    }
    for (const MethodResult& each : results) {
        value += "; " + each.method + "=" + each.result;
        if (!each.comment.empty()) {
            value += " " + in_comment(each.comment);
        }
        if (!each.reason.empty()) {
            value += " reason=" + quoted_string(each.reason);
        }
        for (const MethodResult::Property& property : each.properties) {
            value += " " + property.name + "=" + property_value(property.value);
        }
    }
    return make_field(kFieldName, value);
}

std::string authserv_id(std::string_view value) {
    std::string_view rest = skip_cfws(value);
    std::string out;
    if (!rest.starts_with('"')) {
        const std::size_t end = rest.find_first_of(" \t\r\n;(\"");
        return to_lower(rest.substr(0, end));
    }
    rest.remove_prefix(1);
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (rest[i] == '"') {
            return to_lower(trim(out));
        }
        if (rest[i] == '\\' && i + 1 < rest.size()) {
            ++i;
        }
        if (rest[i] != '\r' && rest[i] != '\n') {  // folded
            out += rest[i];
        }
    }
    return {};  // the quotes don't end
}

bool pretends_to_be_ours(const Field& field, std::span<const std::string> ours) {
    if (!iequals(field.name, kFieldName)) {
        return false;
    }
    std::string id = authserv_id(field.raw);
    if (id.ends_with('.')) {
        id.pop_back();
    }
    return id.empty() || std::ranges::any_of(ours, [&id](const std::string& name) {
               return id == name || id.ends_with("." + name);
           });
}

}  // namespace sekisho::message
