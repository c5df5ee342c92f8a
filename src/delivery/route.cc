#include "delivery/route.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "delivery/routes/rule.h"
#include "net/idn.h"
#include "smtp/reply.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

Destination failed(
    std::string_view domain, int code, const char* enhanced, const std::string& text
) {
    Destination result;
    result.kind = Destination::Kind::Failed;
    result.domain = domain;
    result.failure = smtp::reply(code, enhanced, text);
    return result;
}

// "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3).
std::optional<IpAddress> parse_literal(std::string_view domain) {
    if (!domain.starts_with('[') || !domain.ends_with(']')) {
        return std::nullopt;
    }
    std::string_view inside = domain.substr(1, domain.size() - 2);
    constexpr std::string_view tag = "ipv6:";
    const bool v6 = iequals(inside.substr(0, tag.size()), tag);
    if (v6) {
        inside.remove_prefix(tag.size());
    }
    const auto address = IpAddress::parse(inside);
    if (!address || (!v6 && !address->is_v4())) {
        return std::nullopt;
    }
    return *address;
}

std::string without_dot(std::string_view name) {
    while (name.ends_with('.')) {
        name.remove_suffix(1);
    }
    return to_lower(name);
}

std::string place_of(std::span<const Host> hosts) {
    std::vector<std::string> names;
    for (const Host& host : hosts) {
        names.push_back(host.name);
    }
    std::ranges::sort(names);
    std::string place;
    for (const std::string& name : names) {
        place += (place.empty() ? "" : " ") + name;
    }
    return place;
}

// The servers that a rule names. A socket (LMTP) is the place alone.
void by_rule(Destination& result) {
    result.kind = Destination::Kind::Hosts;
    result.place.clear();
    for (const std::string& one : result.rule->via) {
        result.place += (result.place.empty() ? "" : " ") + one;
        if (const auto host = parse_host(one)) {
            result.hosts.push_back(*host);
        }
    }
    result.best = std::min<std::size_t>(result.hosts.size(), 1);
}

}  // namespace

std::string domain_of(std::string_view address) {
    const std::size_t at = address.rfind('@');
    return at == std::string_view::npos ? std::string() : to_lower(address.substr(at + 1));
}

std::optional<Host> parse_host(std::string_view text) {
    const auto read = parse_route_host(text);
    if (!read) {
        return std::nullopt;
    }
    Host host{.name = read->name, .address = {}, .port = read->port};
    if (const auto address = IpAddress::parse(host.name)) {
        host.address = *address;
    }
    return host;
}

bool usable(const IpAddress& address) {
    const auto& bytes = address.bytes();
    if (address.is_v4()) {
        constexpr std::uint8_t multicast_first = 224;  // and above: reserved, broadcast
        return bytes[0] != 0 && bytes[0] < multicast_first;
    }
    const bool unspecified = std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; });
    return !unspecified && bytes[0] != 0xFF;
}

Destination destination(RouteQuestion question, const RouteOptions& options) {
    const std::string lower = without_dot(question.domain);
    Destination result;
    result.domain = lower;
    result.place = lower;
    const auto ascii = net::to_a_labels(lower);
    const auto ours = [&](const std::string& own) {
        return own == lower || (ascii && own == *ascii);
    };
    const bool local = lower.empty() || std::ranges::any_of(options.domains, ours);
    question.domain = ascii.value_or(lower);
    if (const RouteRule* const rule = route_for(options.routes, question, local)) {
        result.rule = *rule;
        if (!rule->via.empty()) {
            by_rule(result);
            return result;
        }
    }
    if (local && !result.rule) {
        result.kind = Destination::Kind::Local;
        return result;
    }
    if (!options.smarthost.empty() && !result.rule) {
        const auto host = parse_host(options.smarthost);
        if (!host) {
            return failed(lower, 451, "4.3.5", "The smarthost is not configured as host:port");
        }
        result.kind = Destination::Kind::Hosts;
        result.hosts.push_back(*host);
        result.best = 1;
        result.place = options.smarthost;
        return result;
    }
    if (lower.starts_with('[')) {
        const auto address = parse_literal(lower);
        if (!address || !usable(*address)) {
            return failed(
                lower, 550, "5.1.2", "The address literal " + lower + " can't be reached"
            );
        }
        result.kind = Destination::Kind::Hosts;
        result.hosts.push_back({.name = address->text(), .address = *address, .port = options.port}
        );
        result.best = 1;
        return result;
    }
    if (!ascii) {
        return failed(lower, 550, "5.1.2", lower + " is not a valid internationalised domain name");
    }
    result.domain = *ascii;
    return result;
}

Destination hosts_of_mx(
    std::string_view domain,
    std::vector<MxRecord> records,
    const RouteOptions& options,
    std::uint64_t seed
) {
    Destination result;
    result.kind = Destination::Kind::Hosts;
    result.domain = domain;
    if (records.empty()) {
        result.hosts.push_back({.name = std::string(domain), .address = {}, .port = options.port});
        result.best = 1;
        result.place = domain;
        return result;
    }
    // RFC 7505 §3: the null MX stands alone; beside others it is a mistake and says nothing.
    if (std::ranges::all_of(records, [](const MxRecord& mx) { return mx.host.empty(); })) {
        return failed(
            domain, 556, "5.1.10", "The domain " + std::string(domain) + " takes no mail (null MX)"
        );
    }
    std::erase_if(records, [](const MxRecord& mx) { return mx.host.empty(); });
    const std::string own = without_dot(options.hostname);
    std::optional<std::uint16_t> own_preference;
    for (MxRecord& mx : records) {
        mx.host = without_dot(mx.host);
        if (mx.host == own && (!own_preference || mx.preference < *own_preference)) {
            own_preference = mx.preference;
        }
    }
    if (own_preference) {
        std::erase_if(records, [&](const MxRecord& mx) {
            return mx.preference >= *own_preference;
        });
    }
    if (records.empty()) {
        return failed(
            domain,
            554,
            "5.4.6",
            "The best MX of " + std::string(domain) + " is this host, which has no mailboxes for it"
        );
    }
    std::mt19937_64 random(seed);
    std::ranges::shuffle(records, random);
    std::ranges::sort(records, {}, &MxRecord::preference);
    const std::uint16_t best = records.front().preference;
    for (MxRecord& mx : records) {
        Host host{.name = std::move(mx.host), .address = {}, .port = options.port};
        if (std::ranges::find(result.hosts, host) == result.hosts.end()) {
            result.hosts.push_back(std::move(host));
            result.best += mx.preference == best ? 1 : 0;
        }
    }
    result.place = place_of({result.hosts.data(), result.best});
    return result;
}

}  // namespace sekisho::delivery
