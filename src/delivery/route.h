// Where mail for a domain goes: local, a route of the operator's, the smarthost, an address
// literal, or the hosts of its MX records in the order to try them (RFC 5321 §5.1, RFC 7505). Pure:
// records and a random seed are handed in.
#pragma once

#include "base/ip.h"
#include "delivery/routes/rule.h"
#include "smtp/reply.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {

struct RouteOptions {
    std::string hostname;              // ours: an MX of that name is this host
    std::vector<std::string> domains;  // ours: delivered here; lower case
    std::string smarthost;             // "host:port", "[2001:db8::1]:port"; empty: by MX
    std::vector<RouteRule> routes;     // go before the smarthost
    std::uint16_t port = 25;           // of hosts found by MX
};

struct Host {
    std::string name;                  // to look up; or the address as text
    std::optional<IpAddress> address;  // given: no look-up
    std::uint16_t port = 25;
    friend bool operator==(const Host&, const Host&) = default;
};

// What a domain asks for before any look-up.
struct Destination {
    enum class Kind : std::uint8_t {
        Local,
        Hosts,   // `hosts` says which (smarthost, literal)
        MxOf,    // look the MX records of `domain` up, then hosts_of_mx()
        Failed,  // `failure`
    };
    Kind kind = Kind::MxOf;
    std::string domain;  // in A-label form
    std::vector<Host> hosts;
    std::size_t best = 0;  // so many of `hosts`, at the front, are equally preferred
    // What connections are counted, kept and put off by: the best hosts together, so that domains
    // with the same ones share it ("mx1.example.net mx2.example.net").
    std::string place;
    std::optional<RouteRule> rule;  // the operator's route that this is
    smtp::Reply failure;
};

// The domain of a forward-path, lower case; empty for "postmaster" alone (RFC 5321 §4.5.1), which
// is local.
[[nodiscard]] std::string domain_of(std::string_view address);
[[nodiscard]] Destination destination(RouteQuestion question, const RouteOptions& options);

struct MxRecord {
    std::uint16_t preference = 0;
    std::string host;  // empty: the null MX
};
// Hosts in the order to try them, or the reason why there are none. Equal preferences are put in an
// order drawn from `seed` (RFC 5321 §5.1: to spread the load). No records: the domain itself is the
// host (the implicit MX). Where this host is among them, it and all that aren't preferred to it are
// left out, since sending there would be a loop.
[[nodiscard]] Destination hosts_of_mx(
    std::string_view domain,
    std::vector<MxRecord> records,
    const RouteOptions& options,
    std::uint64_t seed
);

// "host:port" with a name, an IPv4 address or an IPv6 address in brackets.
[[nodiscard]] std::optional<Host> parse_host(std::string_view text);

// Whether a connection there can be meant: not the unspecified address, multicast or broadcast.
[[nodiscard]] bool usable(const IpAddress& address);

// More Received fields than this are a loop (RFC 5321 §6.3).
inline constexpr std::size_t kReceivedMax = 100;

}  // namespace sekisho::delivery
