// SPF records (RFC 7208 §4.6, §5, §6, §12), read strictly: an error anywhere makes the whole record
// wrong (§4.6). Pure.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "spf/macro.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::spf {

enum class Qualifier : std::uint8_t { Pass, Fail, SoftFail, Neutral };  // + - ~ ?
enum class MechanismKind : std::uint8_t { All, Include, A, Mx, Ptr, Ip4, Ip6, Exists };

struct Mechanism {
    MechanismKind kind = MechanismKind::All;
    Qualifier qualifier = Qualifier::Pass;
    std::optional<MacroString> domain;  // none: the current domain
    std::optional<Prefix> network;      // of ip4 and ip6; none: an IPv4-mapped one, matches nothing
    int length4 = 32, length6 = 128;    // of a and mx
    std::string text;                   // as written
};

struct Record {
    std::vector<Mechanism> mechanisms;
    std::optional<MacroString> redirect, explanation;
};

// Whether a TXT record is an SPF record at all (RFC 7208 §4.5): "v=spf1" and then a space or the
// end.
[[nodiscard]] bool is_record(std::string_view text);
// Invalid: names the term that is wrong.
[[nodiscard]] Result<Record> parse_record(std::string_view text);

}  // namespace sekisho::spf
