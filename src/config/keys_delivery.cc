// The keys of [delivery] that say how much TLS mail to others goes under.
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"
#include "delivery/tls/policy.h"

#include <algorithm>
#include <optional>
#include <string>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using C = Config;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

Key<C> tls_rules_key() {
    Key<C> key{
        "tls",
        "table of strings",
        "none, opportunistic, auto, required, verified, dane",
        "{}",
        "How much TLS mail to a domain needs, one line a domain: `[delivery.tls]` with "
        "`\"bank.example\" = \"verified\"`; `\".example.net\"` is all below it, `\"*\"` all "
        "others; "
        "the most exact one counts. `none`: never TLS. `opportunistic`: where it is offered, with "
        "any certificate. `auto` (where nothing is said): what the domain publishes, DANE (RFC "
        "7672) before MTA-STS (RFC 8461), else as `opportunistic`. `required`: the same, but never "
        "in plain. `verified`: DANE, or a certificate for the mail host's name that we trust. "
        "`dane`: DANE and nothing else. Names of hosts behind it limit who may take the mail, as "
        "in `\"verified mx.bank.example *.mx.bank.example\"`. What can't be had now is tried again "
        "until `queue.expire`.",
        true,
        {}
    };
    key.read = [](C& c, const toml::node& node) -> std::optional<std::string> {
        const toml::table* const table = node.as_table();
        if (table == nullptr) {
            return "expected a table, [delivery.tls]";
        }
        std::vector<delivery::TlsRule> rules;
        for (const auto& [domain, text] : *table) {
            const auto written = text.value_exact<std::string>();
            if (!written) {
                return "expected a string for \"" + std::string(domain.str()) + "\"";
            }
            delivery::TlsRule rule;
            if (auto wrong = delivery::read_tls_rule(domain.str(), *written, rule)) {
                return wrong;
            }
            // Keys of TOML differ in their case, domains don't.
            if (std::ranges::find(rules, rule.domain, &delivery::TlsRule::domain) != rules.end()) {
                return "\"" + rule.domain + "\" is there twice";
            }
            rules.push_back(std::move(rule));
        }
        c.delivery.tls = std::move(rules);
        return std::nullopt;
    };
    return key;
}

}  // namespace

std::vector<Key<Config>> delivery_tls_keys() {
    return {
        tls_rules_key(),
        flag<C>(
            "mta_sts",
            SEKISHO_AT(delivery.mta_sts),
            "Ask for the MTA-STS policies of other domains (RFC 8461) and follow them."
        ),
        at_start(number<C>(
            "mta_sts_port",
            SEKISHO_AT(delivery.mta_sts_port),
            1,
            65535,
            "Port of the servers that hold MTA-STS policies; other than 443 only for tests."
        )),
        at_start(text<C>(
            "trust_ca",
            SEKISHO_AT(delivery.trust_ca),
            "PEM file with the certificate authorities that mail hosts and MTA-STS servers are "
            "verified by. Empty: the system's."
        )),
    };
}

#undef SEKISHO_AT

}  // namespace sekisho::config
