// The words and forms that names of lines and of servers have: share/peer-names.txt, and what the
// operator adds to it or takes away.
#pragma once

#include "base/result.h"

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace sekisho::peer {

struct NamePatterns {
    using Words = std::set<std::string, std::less<>>;
    Words dynamic, dynamic_beside_numbers, fixed, mail, mail_beginnings;
    Words dynamic_forms, server_forms;

    // This with what a file of the form of share/peer-names.txt adds and takes away. Invalid: says
    // which line is wrong.
    [[nodiscard]] Result<NamePatterns> with(std::string_view text) const;
    // In that form.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] static const NamePatterns& built_in();
    friend bool operator==(const NamePatterns&, const NamePatterns&) = default;
};

// '#': digits, '%': hexadecimal digits, '*': anything. Both in lower case.
[[nodiscard]] bool matches_form(std::string_view text, std::string_view form);

}  // namespace sekisho::peer
