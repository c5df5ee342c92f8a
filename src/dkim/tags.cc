#include "dkim/tags.h"

#include "base/bytes.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::dkim {
namespace {

constexpr std::size_t kTagsMax = 100;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// tag-name = ALPHA *ALNUMPUNC (RFC 6376 §3.2).
bool is_name(std::string_view text) {
    const auto alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return !text.empty() && alpha(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return alpha(c) || (c >= '0' && c <= '9') || c == '_';
           });
}

// VALCHAR is printable ASCII; bytes of UTF-8 stand in the domains of RFC 8616.
bool is_value(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return is_space(c) || (byte > 0x20 && byte != 0x7F);
    });
}

std::string_view strip(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace

std::optional<TagList> TagList::parse(std::string_view text) {
    TagList list;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find(';', at), text.size());
        const std::string_view part = text.substr(at, end - at);
        if (strip(part).empty()) {
            if (end != text.size()) {
                return std::nullopt;  // ";;"
            }
            break;  // the one semicolon that may stand at the end
        }
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) {
            return std::nullopt;
        }
        Tag tag;
        tag.name = strip(part.substr(0, equals));
        tag.begin = at + equals + 1;
        tag.end = end;
        tag.value = strip(part.substr(equals + 1));
        if (!is_name(tag.name) || !is_value(tag.value) || list.find(tag.name) != nullptr ||
            list.tags_.size() >= kTagsMax) {
            return std::nullopt;
        }
        list.tags_.push_back(tag);
        at = end + 1;
    }
    return list;
}

const Tag* TagList::find(std::string_view name) const {
    for (const Tag& tag : tags_) {
        if (tag.name == name) {  // names of tags are case-sensitive
            return &tag;
        }
    }
    return nullptr;
}

std::string_view TagList::value(std::string_view name) const {
    const Tag* tag = find(name);
    return tag == nullptr ? std::string_view() : tag->value;
}

std::string without_spaces(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) {
        return !is_space(c);
    });
    return out;
}

std::vector<std::string> colon_list(std::string_view text) {
    std::vector<std::string> out;
    for (const std::string_view part : split(text, ':')) {
        out.emplace_back(strip(part));
    }
    return out;
}

}  // namespace sekisho::dkim
