// From which of our addresses mail leaves: pools of them, chosen by the operator's conditions.
// Pure.
#pragma once

#include "base/ip.h"
#include "delivery/routes/conditions.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {

struct SourceAddress {
    IpAddress address;
    std::string helo;  // empty: mail.hostname
    friend bool operator==(const SourceAddress&, const SourceAddress&) = default;
};
// "192.0.2.10" or "2001:db8::10 out.example.net".
[[nodiscard]] std::optional<SourceAddress> parse_source_address(std::string_view text);

struct SourcePool : Conditions {
    enum class Spread : std::uint8_t {
        Account,     // an account (else a sender's domain) keeps its address
        RoundRobin,  // each new connection has the next
    };
    std::string name;
    std::vector<std::string> grades;  // of messages, as queue::name() has them; empty: any
    std::vector<SourceAddress> addresses;
    Spread spread = Spread::Account;
    friend bool operator==(const SourcePool&, const SourcePool&) = default;
};
[[nodiscard]] std::optional<SourcePool::Spread> parse_spread(std::string_view text);

// As check_route().
[[nodiscard]] std::optional<std::string> check_source(SourcePool& pool);

// The one that a route names; else the first whose conditions all hold, where one without any is
// only for routes. nullptr: the system chooses the address.
[[nodiscard]] const SourcePool* source_for(
    const std::vector<SourcePool>& pools,
    const std::string& named,
    const RouteQuestion& question,
    std::string_view grade
);

// The address of each family; no address: that family isn't spoken.
struct Source {
    std::optional<SourceAddress> v4, v6;
    [[nodiscard]] const std::optional<SourceAddress>& of(const IpAddress& peer) const {
        return peer.is_v4() ? v4 : v6;
    }
};
// `turn` counts connections. When an address comes or goes, only its accounts move.
[[nodiscard]] Source pick(
    const SourcePool& pool, const RouteQuestion& question, std::uint64_t turn
);

}  // namespace sekisho::delivery
