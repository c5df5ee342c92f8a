#include "spf/record.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "spf/macro.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::spf {
namespace {

constexpr std::string_view kVersion = "v=spf1";

struct KindName {
    std::string_view name;
    MechanismKind kind;
};
constexpr auto kKinds = std::to_array<KindName>({
    {"all", MechanismKind::All},
    {"include", MechanismKind::Include},
    {"a", MechanismKind::A},
    {"mx", MechanismKind::Mx},
    {"ptr", MechanismKind::Ptr},
    {"ip4", MechanismKind::Ip4},
    {"ip6", MechanismKind::Ip6},
    {"exists", MechanismKind::Exists},
});

// A length without leading zeros, of at most `max`.
std::optional<int> read_length(std::string_view digits, int max) {
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0')) {
        return std::nullopt;
    }
    int value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        value = value * 10 + (c - '0');
    }
    return value <= max ? std::optional(value) : std::nullopt;
}

std::size_t trailing_digits(std::string_view text) {
    const std::size_t last = text.find_last_not_of("0123456789");
    return text.size() - (last == std::string_view::npos ? 0 : last + 1);
}

// Takes a dual-cidr-length (RFC 7208 §12) off the end of `rest`. A '/' may also stand inside of a
// domain-spec, so only what looks like lengths is taken. False: a length out of bounds.
bool take_lengths(std::string_view& rest, Mechanism& mechanism) {
    const auto take = [&rest](std::string_view before, int max, int& length) {
        const std::size_t digits = trailing_digits(rest);
        const std::string_view head = rest.substr(0, rest.size() - digits);
        if (digits == 0 || !head.ends_with(before)) {
            return true;
        }
        const auto value = read_length(rest.substr(head.size()), max);
        rest = head.substr(0, head.size() - before.size());
        length = value.value_or(0);
        return value.has_value();
    };
    return take("//", 128, mechanism.length6) && take("/", 32, mechanism.length4);
}

bool read_network(std::string_view text, Mechanism& mechanism) {
    const bool v4 = mechanism.kind == MechanismKind::Ip4;
    const std::size_t slash = text.find('/');
    const std::string_view address_text = text.substr(0, slash);
    const int bits = v4 ? 32 : 128;
    std::optional<int> length = bits;
    if (slash != std::string_view::npos) {
        length = read_length(text.substr(slash + 1), bits);
    }
    const auto address = IpAddress::parse(address_text);
    const bool written_v4 = address_text.find(':') == std::string_view::npos;
    if (!address || !length || written_v4 != v4) {
        return false;
    }
    if (address->is_v4() == v4) {
        mechanism.network = Prefix(*address, *length);
    }
    return true;
}

// What stands behind the name of a mechanism: nothing, ":..." or "/...".
bool read_arguments(std::string_view rest, Mechanism& mechanism) {
    switch (mechanism.kind) {
        case MechanismKind::All:
            return rest.empty();
        case MechanismKind::Ip4:
        case MechanismKind::Ip6:
            return rest.starts_with(':') && read_network(rest.substr(1), mechanism);
        case MechanismKind::A:
        case MechanismKind::Mx:
            if (!take_lengths(rest, mechanism)) {
                return false;
            }
            [[fallthrough]];
        case MechanismKind::Ptr:
            if (rest.empty()) {
                return true;
            }
            break;
        case MechanismKind::Include:
        case MechanismKind::Exists:
            break;
    }
    if (!rest.starts_with(':')) {
        return false;
    }
    mechanism.domain = parse_domain_spec(rest.substr(1));
    return mechanism.domain.has_value();
}

bool read_mechanism(std::string_view term, Record& record) {
    Mechanism mechanism;
    mechanism.text = std::string(term);
    static constexpr std::string_view signs = "+-~?";
    const std::size_t sign = signs.find(term.front());
    if (sign != std::string_view::npos) {
        mechanism.qualifier = static_cast<Qualifier>(sign);
        term.remove_prefix(1);
    }
    const std::string_view name = term.substr(0, term.find_first_of(":/"));
    const auto* const kind = std::ranges::find_if(kKinds, [name](const KindName& each) {
        return iequals(each.name, name);
    });
    if (kind == kKinds.end()) {
        return false;
    }
    mechanism.kind = kind->kind;
    if (!read_arguments(term.substr(name.size()), mechanism)) {
        return false;
    }
    record.mechanisms.push_back(std::move(mechanism));
    return true;
}

// name of RFC 7208 §12: a letter, then letters, digits, '-', '_', '.'.
bool is_modifier_name(std::string_view name) {
    const auto alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return !name.empty() && alpha(name.front()) && std::ranges::all_of(name, [alpha](char c) {
        return alpha(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
}

bool read_modifier(std::string_view name, std::string_view value, Record& record) {
    std::optional<MacroString>* target = nullptr;
    if (iequals(name, "redirect")) {
        target = &record.redirect;
    } else if (iequals(name, "exp")) {
        target = &record.explanation;
    } else {  // unknown: ignored, but its macros must be right (RFC 7208 §6)
        return parse_macro_string(value, MacroPlace::Explanation).has_value();
    }
    if (target->has_value()) {
        return false;  // at most once (RFC 7208 §6)
    }
    *target = parse_domain_spec(value);
    return target->has_value();
}

}  // namespace

bool is_record(std::string_view text) {
    return iequals(text.substr(0, kVersion.size()), kVersion) &&
           (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

Result<Record> parse_record(std::string_view text) {
    if (!is_record(text)) {
        return fail(Errc::Invalid, "no SPF record");
    }
    Record record;
    for (const std::string_view term : split(text.substr(kVersion.size()), ' ')) {
        if (term.empty()) {
            continue;
        }
        const std::size_t equals = term.find('=');
        const std::string_view name = term.substr(0, equals);
        const bool modifier = equals != std::string_view::npos && is_modifier_name(name);
        const bool good = modifier ? read_modifier(name, term.substr(equals + 1), record)
                                   : read_mechanism(term, record);
        if (!good) {
            return fail(Errc::Invalid, "\"" + printable(term, 60) + "\" is no term of SPF");
        }
    }
    return record;
}

}  // namespace sekisho::spf
