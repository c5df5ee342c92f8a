#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "config/config.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace sekisho::config {
namespace {

bool is_zone(std::string_view zone) {
    const std::vector<std::string_view> labels = split(zone, '.');
    return zone.size() <= 180 && labels.size() >= 2 &&  // an IPv6 address needs 64 before it
           std::ranges::all_of(labels, [](std::string_view label) {
               return !label.empty() && label.size() <= 63 &&
                      std::ranges::all_of(label, [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                                 c == '_';
                      });
           });
}

}  // namespace

Result<DnsList> DnsList::parse(std::string_view text) {
    DnsList list;
    list.answers = Prefix(IpAddress::v4(0x7F000000U), 8);
    std::string_view rest = text;
    if (const std::size_t star = rest.find('*'); star != std::string_view::npos) {
        const std::string_view digits = rest.substr(star + 1);
        const auto read =
            std::from_chars(digits.data(), digits.data() + digits.size(), list.points);
        if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size() ||
            list.points < 1 || list.points > 100) {
            return fail(Errc::Invalid, "expected points from 1 to 100 behind '*'");
        }
        rest = rest.substr(0, star);
    }
    if (const std::size_t equals = rest.find('='); equals != std::string_view::npos) {
        const auto answers = Prefix::parse(rest.substr(equals + 1));
        if (!answers) {
            return fail(answers.error());
        }
        if (!list.answers.contains(*answers)) {
            return fail(Errc::Invalid, "expected answers in 127.0.0.0/8 behind '='");
        }
        list.answers = *answers;
        rest = rest.substr(0, equals);
    }
    list.zone = to_lower(rest.ends_with('.') ? rest.substr(0, rest.size() - 1) : rest);
    if (!is_zone(list.zone)) {
        return fail(Errc::Invalid, "expected a zone of the DNS, as \"bl.example.org\"");
    }
    return list;
}

}  // namespace sekisho::config
