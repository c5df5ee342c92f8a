// Every key of sekisho.toml, declared once: name, place, type, default, range, help.
#include "config/keys.h"

#include "base/ip.h"
#include "config/config.h"
#include "config/key_types.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using C = Config;
using namespace std::chrono_literals;

// The place in the Config that a key fills.
#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

Table<C> general() {
    return {
        "",
        false,
        "",
        {
            at_start(text<C>(
                "state_dir",
                SEKISHO_AT(state_dir),
                "Folder of everything Sekisho keeps: database, spool, mail, sockets. Relative "
                "paths in this file are relative to its folder."
            )),
            at_start(text<C>(
                "user",
                SEKISHO_AT(user),
                "The roles mail and desk change to this user once their ports are bound. Empty: "
                "they keep the user they were started as."
            )),
        }
    };
}

Table<C> retention() {
    return {
        "retention",
        false,
        "How long the database remembers whom an address belonged to and what was blocked or "
        "delivered. Personal data: keep it as long as complaints need it, and no longer.",
        {
            duration<C>(
                "events",
                SEKISHO_AT(retention.events),
                24h,
                24h * 3650,
                "Blocked flows, refusals, logins, deliveries."
            ),
            duration<C>(
                "sessions",
                SEKISHO_AT(retention.sessions),
                24h,
                24h * 3650,
                "Who held an address, counted from the end of the session."
            ),
        }
    };
}

Table<C> provider() {
    return {
        "provider",
        false,
        "Who you are: shown to subscribers in the guide, in replies and in notices.",
        {
            text<C>("name", SEKISHO_AT(provider.name), "Your name."),
            text<C>(
                "name_ja",
                SEKISHO_AT(provider.name_ja),
                "Your name on Japanese pages. Empty: `name`."
            ),
            text<C>("domain", SEKISHO_AT(provider.domain), "Your main mail domain."),
            text<C>(
                "support_mail",
                SEKISHO_AT(provider.support_mail),
                "Support's mail address. Empty: `support@` the domain."
            ),
            text<C>(
                "support_phone",
                SEKISHO_AT(provider.support_phone),
                "Support's telephone number, if any."
            ),
            text<C>(
                "support_hours",
                SEKISHO_AT(provider.support_hours),
                "When support answers, if you want it shown."
            ),
            text<C>(
                "guide_url",
                SEKISHO_AT(provider.guide_url),
                "The guide's address as subscribers reach it, without a trailing `/`; it stands in "
                "SMTP replies. Empty: made from `mail.hostname` and `http.listen`."
            ),
        }
    };
}

Table<C> log_keys() {
    return {
        "log",
        false,
        "The log goes to standard error.",
        {
            choice<C>(
                "level",
                SEKISHO_AT(log.level),
                {"debug", "info", "warning", "error"},
                "The least severe line that is written."
            ),
            choice<C>(
                "format",
                SEKISHO_AT(log.format),
                {"auto", "text", "json"},
                "`auto`: text on a terminal, JSON otherwise."
            ),
        }
    };
}

Table<C> gate() {
    return {
        "gate",
        false,
        "The packet filter.",
        {
            at_start(choice<C>(
                "engine",
                SEKISHO_AT(gate.engine),
                {"xdp", "nftables", "none"},
                "What enforces the policy on packets."
            )),
            choice<C>(
                "mode",
                SEKISHO_AT(gate.mode),
                {"observe", "enforce"},
                "`observe`: every rule is counted and reported, nothing is blocked. `enforce`: "
                "each rule acts as its stage says."
            ),
            at_start(texts<C>(
                "interfaces",
                SEKISHO_AT(gate.interfaces),
                "Interfaces to guard. Empty: every interface that is up, but `lo`."
            )),
            at_start(choice<C>(
                "xdp_mode",
                SEKISHO_AT(gate.xdp_mode),
                {"auto", "native", "generic", "tc"},
                "How the program is attached. `auto`: native XDP where the driver has it, else "
                "generic, else (where another XDP program stands, for one) `tc`: the ingress of "
                "traffic control, with the same verdicts."
            )),
            at_start(text<C>(
                "pin",
                SEKISHO_AT(gate.pin),
                "Folder in a BPF file system, such as `/sys/fs/bpf/sekisho`, that keeps the "
                "program "
                "on its interfaces while the gate restarts, stops or dies, until `sekisho gate "
                "detach`. Empty: port 25 is open when the gate ends. With nftables any text keeps "
                "the rules when the gate stops."
            )),
            number<C>(
                "events_per_line_per_minute",
                SEKISHO_AT(gate.events_per_line_per_minute),
                1,
                10000,
                "How many blocked flows of one line become rows in the journal; the others are "
                "counted in them."
            ),
            number<C>(
                "answer_connections_max",
                SEKISHO_AT(gate.answer_connections_max),
                1,
                20'000,
                "How many connections the gate answers at once under rules with the action "
                "`answer`; those beyond are closed without a word."
            ),
            number<C>(
                "answer_per_address_max",
                SEKISHO_AT(gate.answer_per_address_max),
                1,
                1000,
                "How many of them one address (IPv6: one /64) may hold."
            ),
            duration<C>(
                "answer_timeout",
                SEKISHO_AT(gate.answer_timeout),
                1s,
                10min,
                "How long such a connection may last, however slowly it talks."
            ),
            duration<C>(
                "evidence_longest",
                SEKISHO_AT(gate.evidence_longest),
                1min,
                24h * 31,
                "How long `sekisho gate evidence start` may record the flows of a line with both "
                "of their ends."
            ),
            duration<C>(
                "evidence_keep",
                SEKISHO_AT(gate.evidence_keep),
                0s,
                24h * 365,
                "How long these records are kept after the recording has ended; then they are "
                "erased from the file."
            ),
            text<C>(
                "exempt_class",
                SEKISHO_AT(gate.exempt_class),
                "The class in which `sekisho gate exempt` puts addresses, such as `static`. Empty: "
                "the command must name one."
            ),
            choice<C>(
                "exempt_requests",
                SEKISHO_AT(gate.exempt_requests),
                {"off", "operator", "automatic"},
                "Whether subscribers may ask for an exemption on their own page (`/my/exemption`), "
                "and who grants what meets the criteria. `exempt_class` must be set."
            ),
            duration<C>(
                "exempt_held_for",
                SEKISHO_AT(gate.exempt_held_for),
                0s,
                24h * 365,
                "How long a line must have had the address that it asks an exemption for."
            ),
            duration<C>(
                "exempt_for",
                SEKISHO_AT(gate.exempt_for),
                1min,
                24h * 3650,
                "How long an exemption lasts when the command doesn't say."
            ),
            duration<C>(
                "exempt_longest",
                SEKISHO_AT(gate.exempt_longest),
                1min,
                24h * 3650,
                "How long an exemption may last from when it is granted or renewed."
            ),
            texts<C>(
                "dnsbl",
                SEKISHO_AT(gate.dnsbl),
                "Block lists in the DNS (RFC 5782), by zone, for exemptions with `--unlisted`: an "
                "address that one of them lists loses its exemption."
            ),
            duration<C>(
                "condition_interval",
                SEKISHO_AT(gate.condition_interval),
                1s,
                24h,
                "How often the conditions of exemptions are looked up in the DNS again."
            ),
            text<C>(
                "penalty_class",
                SEKISHO_AT(gate.penalty_class),
                "The class in which outside addresses are put for a time when the exchange judges "
                "that they are no mail servers. Empty: none is."
            ),
            duration<C>(
                "penalty_for",
                SEKISHO_AT(gate.penalty_for),
                1s,
                24h * 30,
                "How long such a penalty lasts."
            ),
            number<C>(
                "penalties_max",
                SEKISHO_AT(gate.penalties_max),
                1,
                40000,
                "How many penalties there may be at a time; beyond it none is added."
            ),
        }
    };
}

Table<C> radius() {
    return {
        "radius",
        false,
        "RADIUS accounting tells which subscriber holds an address.",
        {
            at_start(parsed<Endpoint, C>(
                "listen",
                SEKISHO_AT(radius.listen),
                "list of endpoints",
                "Where the gate takes accounting packets, usually port 1813. Empty: it takes none."
            )),
            at_start(parsed<Endpoint, C>(
                "forward",
                SEKISHO_AT(radius.forward),
                "list of endpoints",
                "The gate as a proxy in front of your accounting servers: each packet goes on to "
                "the first of them that answers, and the access server gets that answer, or none. "
                "What the gate learns it keeps in any case. Empty: the gate answers itself."
            )),
            at_start(text<C>(
                "forward_secret",
                SEKISHO_AT(radius.forward_secret),
                "The secret shared with those servers."
            )),
            at_start(duration<C>(
                "forward_timeout",
                SEKISHO_AT(radius.forward_timeout),
                100ms,
                30s,
                "How long a server has to answer before the next is asked."
            )),
        }
    };
}

}  // namespace

const std::vector<Table<Config>>& tables() {
    static const std::vector<Table<Config>> all = [] {
        std::vector<Table<Config>> every{
            general(), retention(), provider(), log_keys(), gate(), radius()
        };
        for (Table<Config>& table : mail_tables()) {
            every.push_back(std::move(table));
        }
        for (Table<Config>& table : event_tables()) {
            every.push_back(std::move(table));
        }
        every.push_back(limits_table());
        every.push_back(reports_table());
        every.push_back(conduct_table());
        every.push_back(desk_table());
        return every;
    }();
    return all;
}

const Table<Radius::Client>& radius_client_table() {
    using T = Radius::Client;
    static const Table<T> table = [] {
        Key<T> from{"from", "prefix", "", "", "Address or prefix of the access server.", true, {}};
        from.read = [](T& client, const toml::node& node) -> std::optional<std::string> {
            auto prefix = Prefix::parse(node.value_exact<std::string>().value_or(""));
            if (!prefix) {
                return prefix.error().message;
            }
            client.from = *prefix;
            return std::nullopt;
        };
        return Table<T>{
            "radius.client",
            true,
            "An access server that may send accounting packets.",
            {from, required(text<T>("secret", SEKISHO_AT(secret), "The secret shared with it."))}
        };
    }();
    return table;
}

const Table<LineSource>& line_source_table() {
    using T = LineSource;
    static const Table<T> table{
        "lines",
        true,
        "A file that tells which line holds an address, beside RADIUS accounting or in its stead. "
        "The gate reads it at its start and whenever it changes. Rows that are wrong are in the "
        "log and in `sekisho gate status`; the others count.",
        {
            required(text<T>(
                "name",
                SEKISHO_AT(name),
                "Unique name; what is known is kept under it. Under another name all of it is "
                "new."
            )),
            required(choice<T>(
                "kind",
                SEKISHO_AT(kind),
                {"static", "kea"},
                "`static`: a table of `prefix,line[,realm[,ports]]`. `kea`: what the DHCP server "
                "Kea keeps in memfile, `kea-leases4.csv` or `kea-leases6.csv`, with the files of "
                "its clean-up beside it."
            )),
            required(text<T>(
                "file",
                SEKISHO_AT(file),
                "The file, relative to sekisho.toml. It need not be there yet."
            )),
            with_default(
                choice<T>(
                    "identity",
                    SEKISHO_AT(identity),
                    {"", "client-id", "hwaddr", "duid", "hostname", "circuit-id", "remote-id"},
                    "For `kea`: what of a lease names the line. `circuit-id` (DHCPv6: "
                    "Interface-Id) "
                    "and `remote-id` are what the relay says; Kea keeps them with "
                    "`store-extended-info`."
                ),
                "\"\""
            ),
        }
    };
    return table;
}

#undef SEKISHO_AT

}  // namespace sekisho::config
