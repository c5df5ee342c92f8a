#include "net/http_target.h"

#include "base/bytes.h"
#include "base/result.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::net {
namespace {

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const char c = text.front();
        if (c != '%') {
            result += plus_is_space && c == '+' ? ' ' : c;
            text.remove_prefix(1);
            continue;
        }
        const auto byte = text.size() < 3 ? std::nullopt : unhex(text.substr(1, 2));
        if (!byte) {
            return std::nullopt;
        }
        result += *byte;
        text.remove_prefix(3);
    }
    return result;
}

// The path of "http://host/path" (RFC 9112 §3.2.2: a server must take it).
std::string_view origin_form(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (iequals(target.substr(0, scheme.size()), scheme)) {
            const std::size_t end = target.find_first_of("/?", scheme.size());
            return end == std::string_view::npos ? "/" : target.substr(end);
        }
    }
    return target;
}

}  // namespace

std::optional<std::map<std::string, std::string>> parse_form(std::string_view text) {
    std::map<std::string, std::string> result;
    if (text.empty()) {
        return result;
    }
    const auto pairs = split(text, '&');
    if (pairs.size() > kFormKeysMax) {
        return std::nullopt;
    }
    for (const std::string_view pair : pairs) {
        if (pair.empty()) {
            continue;
        }
        const std::size_t equals = pair.find('=');
        auto key = decode(pair.substr(0, equals), true);
        auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                      : decode(pair.substr(equals + 1), true);
        if (!key || !value) {
            return std::nullopt;
        }
        result.insert_or_assign(std::move(*key), std::move(*value));
    }
    return result;
}

Result<HttpTarget> parse_target(std::string_view target) {
    target = origin_form(target);
    const std::size_t question = target.find('?');
    const std::string_view raw = target.substr(0, question);
    if (!raw.empty() && raw.front() != '/') {
        return fail(Errc::Invalid, "the target isn't a path");
    }
    // Decoded first and split then, so that "%2e%2e" and "%2f" can't hide a segment.
    const auto decoded = decode(raw.empty() ? "/" : raw, false);
    if (!decoded || decoded->find('\0') != std::string::npos) {
        return fail(Errc::Invalid, "the path has a bad escape");
    }
    HttpTarget result;
    for (const std::string_view segment : split(*decoded, '/')) {
        if (segment == "..") {
            return fail(Errc::Invalid, "the path has a '..' segment");
        }
        if (!segment.empty() && segment != ".") {
            result.path += '/';
            result.path += segment;
        }
    }
    if (decoded->ends_with('/') || decoded->ends_with("/.")) {
        result.path += '/';
    }
    if (question != std::string_view::npos) {
        auto query = parse_form(target.substr(question + 1));
        if (!query) {
            return fail(Errc::Invalid, "the query can't be read");
        }
        result.query = std::move(*query);
    }
    return result;
}

}  // namespace sekisho::net
