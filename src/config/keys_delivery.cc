// The keys of [delivery] that say how much TLS mail to others goes under.
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"
#include "delivery/routes/rule.h"
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

const Table<delivery::RouteRule>& route_table() {
    using T = delivery::RouteRule;
    static const Table<T> table = [] {
        Key<T> protocol{
            "protocol",
            "string",
            "smtp, submissions, lmtp",
            "\"smtp\"",
            "What is spoken: `smtp` (with STARTTLS), `submissions` (TLS from the first byte, port "
            "465, RFC 8314), `lmtp` (RFC 2033).",
            true,
            {}
        };
        protocol.read = [](T& rule, const toml::node& node) -> std::optional<std::string> {
            const auto read =
                delivery::parse_protocol(node.value_exact<std::string>().value_or(""));
            if (!read) {
                return "expected one of: smtp, submissions, lmtp";
            }
            rule.protocol = *read;
            return std::nullopt;
        };
        Key<T> tls{
            "tls",
            "string",
            "none, opportunistic, auto, required, verified, dane",
            "\"\"",
            "How much TLS the servers of `via` must show, as in `[delivery.tls]`, with names of "
            "hosts behind it or without. Empty: `verified` with a login, else what "
            "`[delivery.tls]` says of the host's name.",
            true,
            {}
        };
        tls.read = [](T& rule, const toml::node& node) -> std::optional<std::string> {
            const auto written = node.value_exact<std::string>();
            if (!written) {
                return "expected a string";
            }
            if (written->empty()) {
                return std::nullopt;
            }
            return delivery::read_tls_rule("*", *written, rule.tls.emplace());
        };
        return Table<T>{
            "route",
            true,
            "Mail that goes another way than `delivery.smarthost` or the MX records. The first "
            "route of the file whose conditions all hold counts; one that isn't given asks "
            "nothing. Mail for `mail.domains` stays here unless a route names the domain exactly.",
            {
                required(text<T>("name", SEKISHO_AT(name), "Unique name, for logs and commands.")),
                texts<T>(
                    "domains",
                    SEKISHO_AT(domains),
                    "Domains of recipients: `example.net`, `.example.net` for all below it, `*`."
                ),
                texts<T>(
                    "senders",
                    SEKISHO_AT(senders),
                    "Senders of the envelope: an address, a domain as above, `<>` for "
                    "notifications, `*`."
                ),
                texts<T>(
                    "accounts",
                    SEKISHO_AT(accounts),
                    "Logins that submitted it: one, all of a domain as above, `*` for any."
                ),
                texts<T>(
                    "via",
                    SEKISHO_AT(via),
                    "`HOST:PORT` of the servers that take it, in the order to try them; for "
                    "`lmtp` the path of a socket, too. Empty: by MX, past "
                    "`delivery.smarthost`."
                ),
                protocol,
                tls,
                text<T>(
                    "login",
                    SEKISHO_AT(login),
                    "Log in at those servers (RFC 4954) by the best that they offer of "
                    "SCRAM-SHA-256-PLUS, SCRAM-SHA-256, PLAIN and LOGIN. A refused login is tried "
                    "again with the message; nothing is returned for it before `queue.expire`."
                ),
                text<T>(
                    "password_file",
                    SEKISHO_AT(password_file),
                    "File with the password alone, readable by the mail role's user; read at start "
                    "and `sekisho reload`."
                ),
                flag<T>(
                    "login_without_tls",
                    SEKISHO_AT(login_without_tls),
                    "Log in without TLS too, which shows the password to everybody on the way."
                ),
                text<T>(
                    "source",
                    SEKISHO_AT(source),
                    "Name of the `[[source]]` that it leaves from. Empty: the first whose "
                    "conditions hold."
                ),
            }
        };
    }();
    return table;
}

#undef SEKISHO_AT

std::vector<std::pair<std::string, std::string>> faults_of(
    delivery::RouteRule& rule, const std::vector<delivery::RouteRule>& others
) {
    constexpr std::size_t kNameMax = 64;
    std::vector<std::pair<std::string, std::string>> out;
    if (std::ranges::find(others, rule.name, &delivery::RouteRule::name) != others.end()) {
        out.emplace_back("name", "\"" + rule.name + "\" is there already");
    }
    if (rule.name.empty() || rule.name.size() > kNameMax || rule.name.contains(':')) {
        out.emplace_back("name", "must have 1 to 64 bytes, and no colon");
    }
    if (auto wrong = delivery::check_route(rule)) {
        out.emplace_back("", "\"" + rule.name + "\": " + *wrong);
    }
    return out;
}

}  // namespace sekisho::config
