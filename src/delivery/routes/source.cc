#include "delivery/routes/source.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "delivery/routes/conditions.h"
#include "delivery/tls/mta_sts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {
namespace {

// FNV-1a with a final mix: the same in every version and on every machine.
std::uint64_t weight(std::string_view key, const std::string& address) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto add = [&hash](std::string_view text) {
        for (const char c : text) {
            hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
        }
    };
    add(key);
    add("|");
    add(address);
    hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdU;
    return hash ^ (hash >> 33U);
}

// Who keeps an address.
std::string keeper(const RouteQuestion& question) {
    if (!question.account.empty()) {
        return to_lower(question.account);
    }
    const std::size_t at = question.sender.rfind('@');
    return at == std::string::npos ? "" : to_lower(question.sender.substr(at + 1));
}

std::optional<SourceAddress> pick_one(
    const SourcePool& pool, bool v4, const std::string& key, std::uint64_t turn
) {
    std::vector<const SourceAddress*> family;
    for (const SourceAddress& one : pool.addresses) {
        if (one.address.is_v4() == v4) {
            family.push_back(&one);
        }
    }
    if (family.empty()) {
        return std::nullopt;
    }
    if (pool.spread == SourcePool::Spread::RoundRobin) {
        return *family[turn % family.size()];
    }
    // The highest weight wins (rendezvous hashing).
    return **std::ranges::max_element(family, {}, [&](const SourceAddress* one) {
        return weight(key, one->address.text());
    });
}

}  // namespace

std::optional<SourceAddress> parse_source_address(std::string_view text) {
    text = trim(text);
    const std::size_t space = text.find(' ');
    const auto address = IpAddress::parse(text.substr(0, space));
    if (!address) {
        return std::nullopt;
    }
    SourceAddress source;
    source.address = *address;
    if (space != std::string_view::npos) {
        source.helo = std::string(trim(text.substr(space)));
        if (!is_sts_host(source.helo)) {
            return std::nullopt;
        }
    }
    return source;
}

std::optional<SourcePool::Spread> parse_spread(std::string_view text) {
    if (text == "account") {
        return SourcePool::Spread::Account;
    }
    return text == "round_robin" ? std::optional(SourcePool::Spread::RoundRobin) : std::nullopt;
}

std::optional<std::string> check_source(SourcePool& pool) {
    if (auto wrong = check_conditions(pool)) {
        return wrong;
    }
    const std::vector<std::string_view> grades{"urgent", "interactive", "bulk", "report"};
    for (const std::string& one : pool.grades) {
        if (std::ranges::find(grades, one) == grades.end()) {
            return "grades: expected urgent, interactive, bulk or report";
        }
    }
    if (pool.addresses.empty()) {
        return "addresses: is missing";
    }
    std::set<std::string> seen;
    for (const SourceAddress& one : pool.addresses) {
        if (!seen.insert(one.address.text()).second) {
            return "addresses: " + one.address.text() + " is there twice";
        }
    }
    return std::nullopt;
}

const SourcePool* source_for(
    const std::vector<SourcePool>& pools,
    const std::string& named,
    const RouteQuestion& question,
    std::string_view grade
) {
    const auto found = std::ranges::find_if(pools, [&](const SourcePool& pool) {
        if (!named.empty()) {
            return pool.name == named;
        }
        const bool asks = !pool.none() || !pool.grades.empty();
        return asks && fits(pool, question, false) &&
               (pool.grades.empty() || std::ranges::find(pool.grades, grade) != pool.grades.end());
    });
    return found == pools.end() ? nullptr : &*found;
}

Source pick(const SourcePool& pool, const RouteQuestion& question, std::uint64_t turn) {
    const std::string key = keeper(question);
    return {.v4 = pick_one(pool, true, key, turn), .v6 = pick_one(pool, false, key, turn)};
}

}  // namespace sekisho::delivery
