#include "limit/countries.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::limit {

Result<Countries> Countries::parse(std::string_view text) {
    Countries out;
    std::size_t row = 0;
    for (std::string_view line : split(text, '\n')) {
        ++row;
        line = trim(line.substr(0, line.find('#')));
        if (line.empty()) {
            continue;
        }
        const std::size_t comma = line.find(',');
        const std::string country =
            comma == std::string_view::npos ? "" : to_upper(trim(line.substr(comma + 1)));
        const bool letters = std::ranges::all_of(country, [](char c) {
            return std::isalpha(static_cast<unsigned char>(c)) != 0;
        });
        const auto prefix = Prefix::parse(trim(line.substr(0, comma)));
        if (!prefix || country.size() != 2 || !letters) {
            return fail(
                Errc::Invalid,
                fmt::format(
                    "row {}: expected PREFIX,CC, such as 192.0.2.0/24,JP{}",
                    row,
                    prefix ? "" : ": " + prefix.error().message
                )
            );
        }
        (prefix->is_v4() ? out.v4_ : out.v6_)[prefix->length()][*prefix] = country;
    }
    return out;
}

std::string Countries::of(const IpAddress& address) const {
    const auto& lengths = address.is_v4() ? v4_ : v6_;
    for (auto one = lengths.rbegin(); one != lengths.rend(); ++one) {
        const auto found = one->second.find(Prefix(address, one->first));
        if (found != one->second.end()) {
            return found->second;
        }
    }
    return {};
}

std::size_t Countries::size() const {
    std::size_t out = 0;
    for (const auto* lengths : {&v4_, &v6_}) {
        for (const auto& [length, prefixes] : *lengths) {
            out += prefixes.size();
        }
    }
    return out;
}

}  // namespace sekisho::limit
