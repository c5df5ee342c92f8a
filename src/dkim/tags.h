// Tag lists (RFC 6376 §3.2): "v=1; a=rsa-sha256; ...", as DKIM-Signature fields and key records
// have them. Pure; views into the caller's text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::dkim {

struct Tag {
    std::string_view name;
    std::string_view value;  // without white space at both ends; folds inside are left
    // Where the value stands in the text, with the white space around it: what is deleted when b=
    // is treated as empty (RFC 6376 §3.7).
    std::size_t begin = 0, end = 0;
};

class TagList {
  public:
    // Folds may stand wherever white space may. nullopt: a name that is none, a missing "=", a
    // control character, or a tag that is there twice, which spoils the whole list (RFC 6376 §3.2).
    [[nodiscard]] static std::optional<TagList> parse(std::string_view text);

    [[nodiscard]] const Tag* find(std::string_view name) const;
    // Empty also when the tag isn't there.
    [[nodiscard]] std::string_view value(std::string_view name) const;
    [[nodiscard]] const std::vector<Tag>& tags() const { return tags_; }

  private:
    std::vector<Tag> tags_;
};

// Without any white space: base64 and lists may be folded anywhere (RFC 6376 §2.10, §3.5).
[[nodiscard]] std::string without_spaces(std::string_view text);
// A list with colons, each item without white space around it: h=, q=, s=, t=.
[[nodiscard]] std::vector<std::string> colon_list(std::string_view text);

}  // namespace sekisho::dkim
