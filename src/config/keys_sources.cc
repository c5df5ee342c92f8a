// The keys of [[source]]: from which of our addresses mail leaves.
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"
#include "delivery/routes/source.h"

#include <algorithm>
#include <optional>
#include <string>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using T = delivery::SourcePool;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

Key<T> addresses_key() {
    Key<T> key{
        "addresses",
        "list of strings",
        "",
        "",
        "Our addresses, each with the name that is told to servers in EHLO where that isn't "
        "`mail.hostname`: `\"192.0.2.10\"`, `\"2001:db8::10 out.example.net\"`. A family without "
        "an address here isn't spoken. The role mail starts only if they are all on this machine.",
        true,
        {}
    };
    key.read = [](T& pool, const toml::node& node) {
        pool.addresses.clear();
        return read_list(node, [&pool](const toml::node& one) -> std::optional<std::string> {
            const auto written = one.value_exact<std::string>();
            const auto address =
                delivery::parse_source_address(written ? std::string_view(*written) : "");
            if (!address) {
                return "expected a list of addresses, each with a host name behind it or without";
            }
            pool.addresses.push_back(*address);
            return std::nullopt;
        });
    };
    return key;
}

Key<T> spread_key() {
    Key<T> key{
        "spread",
        "string",
        "account, round_robin",
        "\"account\"",
        "Which address of a family is used. `account`: an account keeps its address (mail without "
        "one: the sender's domain does), and when an address comes or goes, only its accounts "
        "move. `round_robin`: each new connection has the next.",
        true,
        {}
    };
    key.read = [](T& pool, const toml::node& node) -> std::optional<std::string> {
        const auto read = delivery::parse_spread(node.value_exact<std::string>().value_or(""));
        if (!read) {
            return "expected one of: account, round_robin";
        }
        pool.spread = *read;
        return std::nullopt;
    };
    return key;
}

}  // namespace

const Table<delivery::SourcePool>& source_table() {
    static const Table<T> table{
        "source",
        true,
        "Addresses of this machine that mail to others leaves from. The first source of the file "
        "whose conditions all hold counts, or the one that the mail's `[[route]]` names; a source "
        "without conditions is for routes. Where none fits, the system chooses the address.",
        {
            required(text<T>("name", SEKISHO_AT(name), "Unique name, for routes and the log.")),
            addresses_key(),
            spread_key(),
            texts<T>("domains", SEKISHO_AT(domains), "Domains of recipients, as for `[[route]]`."),
            texts<T>(
                "senders", SEKISHO_AT(senders), "Senders of the envelope, as for `[[route]]`."
            ),
            texts<T>(
                "accounts", SEKISHO_AT(accounts), "Logins that submitted it, as for `[[route]]`."
            ),
            texts<T>(
                "grades",
                SEKISHO_AT(grades),
                "What the queue takes it for: `urgent`, `interactive`, `bulk`, `report`."
            ),
        }
    };
    return table;
}

#undef SEKISHO_AT

std::vector<std::pair<std::string, std::string>> faults_of(
    delivery::SourcePool& pool, const std::vector<delivery::SourcePool>& others
) {
    std::vector<std::pair<std::string, std::string>> faults;
    if (std::ranges::find(others, pool.name, &T::name) != others.end()) {
        faults.emplace_back("name", "\"" + pool.name + "\" is there already");
    }
    if (pool.name.empty() || pool.name.size() > 64) {
        faults.emplace_back("name", "must have 1 to 64 bytes");
    }
    if (auto wrong = delivery::check_source(pool)) {
        const std::size_t colon = wrong->find(": ");
        faults.emplace_back(wrong->substr(0, colon), wrong->substr(colon + 2));
    }
    return faults;
}

std::vector<std::pair<std::string, std::string>> source_faults(const Delivery& all) {
    std::vector<std::pair<std::string, std::string>> faults;
    for (const delivery::RouteRule& route : all.routes) {
        if (!route.source.empty() &&
            std::ranges::find(all.sources, route.source, &T::name) == all.sources.end()) {
            faults.emplace_back(
                "route.source", "\"" + route.source + "\" is no [[source]] of this file"
            );
        }
    }
    for (const T& pool : all.sources) {
        const bool named = std::ranges::find(all.routes, pool.name, &delivery::RouteRule::source) !=
                           all.routes.end();
        if (pool.none() && pool.grades.empty() && !named) {
            faults.emplace_back(
                "source",
                "\"" + pool.name +
                    "\": nothing leaves from it; give it conditions, or name it in a [[route]]. "
                    "domains = [\"*\"] is all mail"
            );
        }
    }
    return faults;
}

}  // namespace sekisho::config
