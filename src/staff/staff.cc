#include "staff/staff.h"

#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace sekisho::staff {

Status check_name(std::string_view name) {
    constexpr std::size_t kLongest = 32;
    const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto sign = [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    };
    if (name.empty() || name.size() > kLongest || !letter(name.front()) ||
        !std::ranges::all_of(name, sign)) {
        return fail(
            Errc::Invalid,
            "\"" + printable(name) +
                "\" is no operator's name: 1 to 32 of a-z, 0-9, '.', '_', '-', a letter first"
        );
    }
    return {};
}

}  // namespace sekisho::staff
