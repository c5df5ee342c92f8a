#include "report/destination.h"

#include "base/bytes.h"
#include "dmarc/record.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::report {
namespace {

constexpr std::string_view kMailto = "mailto:";
constexpr std::size_t kNameMax = 253;  // of the DNS

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto octet = text[at] == '%' ? unhex(to_lower(text.substr(at + 1, 2))) : std::nullopt;
        if (octet && octet->size() == 1) {
            out += *octet;
            at += 2;
        } else {
            out += text[at];
        }
    }
    return out;
}

// "10m": RFC 7489 §6.2.
std::optional<std::uint64_t> read_size(std::string_view text) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string unit = to_lower({read.ptr, text.data() + text.size()});
    constexpr std::uint64_t kMax = 1ULL << 40U;
    const std::string_view units = "kmgt";
    const std::size_t power = unit.empty() ? 0 : units.find(unit.front()) + 1;
    if (read.ec != std::errc{} || unit.size() > 1 || (!unit.empty() && power == 0) ||
        value > kMax) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < power; ++i) {
        value = std::min(value, kMax) * 1024;
    }
    return value;
}

bool is_host(std::string_view host) {
    return host.size() <= kNameMax && host.find('.') != std::string_view::npos &&
           std::ranges::all_of(split(host, '.'), [](std::string_view label) {
               return !label.empty() && label.size() <= 63 &&
                      std::ranges::all_of(label, [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                                 c == '_';
                      });
           });
}

// What stands in a mail's field and in RCPT as it is: RFC 5322's atoms and dots.
bool is_local(std::string_view local) {
    return !local.empty() && local.size() <= 64 && std::ranges::all_of(local, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
    });
}

}  // namespace

std::optional<Mailbox> parse_mailto(std::string_view uri) {
    uri = trim(uri);
    if (uri.size() <= kMailto.size() || !iequals(uri.substr(0, kMailto.size()), kMailto)) {
        return std::nullopt;
    }
    std::string_view rest = uri.substr(kMailto.size());
    Mailbox out;
    // An exclamation mark of the address itself is written %21 (RFC 7489 §6.2).
    if (const std::size_t mark = rest.rfind('!'); mark != std::string_view::npos) {
        out.bytes_max = read_size(rest.substr(mark + 1));
        if (!out.bytes_max) {
            return std::nullopt;
        }
        rest = rest.substr(0, mark);
    }
    out.address = percent_decoded(rest.substr(0, rest.find('?')));
    const std::size_t at = out.address.rfind('@');
    if (at == std::string::npos) {
        return std::nullopt;
    }
    out.host = to_lower(out.address.substr(at + 1));
    if (!is_host(out.host) || !is_local(std::string_view(out.address).substr(0, at))) {
        return std::nullopt;
    }
    return out;
}

std::string permission_name(std::string_view policy_domain, std::string_view host) {
    std::string out = std::string(policy_domain) + "._report._dmarc." + std::string(host);
    return out.size() > kNameMax ? std::string() : out;
}

Permission permission_of(const std::vector<std::string>& texts, std::string_view host) {
    Permission out;
    for (const std::string& text : texts) {
        const auto record = dmarc::parse_record(text);
        if (!record) {
            continue;
        }
        out.given = true;
        for (const std::string& uri : record->aggregate_reports) {
            const auto mailbox = parse_mailto(uri);
            // Another host would have to be asked in turn, without an end (§4).
            if (mailbox && mailbox->host == host && out.rua.size() < kDestinationsMax) {
                out.rua.push_back(uri);
            }
        }
    }
    return out;
}

std::optional<std::vector<std::string>> tlsrpt_destinations(const std::vector<std::string>& texts) {
    std::optional<std::vector<std::string>> out;
    for (const std::string& text : texts) {
        const auto parts = split(text, ';');
        if (trim(parts.front()) != "v=TLSRPTv1") {
            continue;
        }
        if (out) {
            return std::nullopt;
        }
        out.emplace();
        for (const std::string_view part : parts) {
            const std::size_t equals = part.find('=');
            if (equals == std::string_view::npos || trim(part.substr(0, equals)) != "rua") {
                continue;
            }
            for (const std::string_view uri : split(part.substr(equals + 1), ',')) {
                if (out->size() < kDestinationsMax && !trim(uri).empty()) {
                    out->emplace_back(trim(uri));
                }
            }
        }
    }
    return out;
}

}  // namespace sekisho::report
