// The keys of the mail server, its queue and its delivery.
#include "base/ip.h"
#include "base/time.h"
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using namespace std::chrono_literals;
using C = Config;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

template <class Ref>
Key<C> dns_lists(std::string name, Ref ref, std::string help) {
    Key<C> key{
        std::move(name),
        "list of `ZONE[=ANSWERS][*POINTS]`",
        "points 1 to 100, else 25",
        "[]",
        std::move(help) + " With ANSWERS, an address or a prefix, only such answers count.",
        true,
        {}
    };
    key.read = [ref](C& c, const toml::node& node) {
        auto& lists = ref(c);
        lists.clear();
        return read_list(node, [&lists](const toml::node& one) -> std::optional<std::string> {
            const auto text = one.value_exact<std::string>();
            if (!text) {
                return "expected strings";
            }
            auto list = DnsList::parse(*text);
            if (!list) {
                return list.error().message;
            }
            lists.push_back(std::move(*list));
            return std::nullopt;
        });
    };
    return key;
}

Table<C> mail() {
    Table<C> table{
        "mail",
        false,
        "The mail server.",
        {
            text<C>(
                "hostname",
                SEKISHO_AT(mail.hostname),
                "The name in greetings and trace fields. Empty: the machine's."
            ),
            texts<C>(
                "domains",
                SEKISHO_AT(mail.domains),
                "Domains that mail is taken for on port 25. Empty: `provider.domain`."
            ),
            at_start(with_default(
                parsed<Endpoint, C>(
                    "submission",
                    SEKISHO_AT(mail.submission),
                    "list of endpoints",
                    "Submission with STARTTLS (RFC 6409)."
                ),
                R"(["0.0.0.0:587", "[::]:587"])"
            )),
            at_start(with_default(
                parsed<Endpoint, C>(
                    "submissions",
                    SEKISHO_AT(mail.submissions),
                    "list of endpoints",
                    "Submission with implicit TLS (RFC 8314)."
                ),
                R"(["0.0.0.0:465", "[::]:465"])"
            )),
            at_start(with_default(
                parsed<Endpoint, C>(
                    "exchange",
                    SEKISHO_AT(mail.exchange),
                    "list of endpoints",
                    "Mail from other mail servers."
                ),
                R"(["0.0.0.0:25", "[::]:25"])"
            )),
            at_start(texts<C>(
                "port_fallback",
                SEKISHO_AT(mail.port_fallback),
                "Ports to use where one is taken or not permitted, as `\"587=2587\"`. Empty: the "
                "start fails instead."
            )),
            size<C>(
                "message_size_max",
                SEKISHO_AT(mail.message_size_max),
                64 * kKiB,
                2 * kGiB,
                "The largest message taken; offered in SIZE (RFC 1870)."
            ),
            number<C>(
                "recipients_max",
                SEKISHO_AT(mail.recipients_max),
                100,
                50000,
                "Recipients of one message (RFC 5321 §4.5.3.1.8 asks for 100 at least)."
            ),
            number<C>(
                "connections_max",
                SEKISHO_AT(mail.connections_max),
                1,
                1000000,
                "Connections at once, all together."
            ),
            number<C>(
                "connections_per_address_max",
                SEKISHO_AT(mail.connections_per_address_max),
                1,
                100000,
                "Connections at once from one address."
            ),
            number<C>(
                "bad_commands_max",
                SEKISHO_AT(mail.bad_commands_max),
                1,
                1000,
                "Wrong commands after which a session is closed with 421."
            ),
            number<C>(
                "unknown_recipients_max",
                SEKISHO_AT(mail.unknown_recipients_max),
                1,
                100000,
                "Recipients answered 550 in one session, since there is no such user or since we "
                "don't relay, after which it is closed with 421: who guesses addresses begins anew "
                "each time."
            ),
            duration<C>(
                "command_timeout",
                SEKISHO_AT(mail.command_timeout),
                1s,
                1h,
                "How long the server waits for a command (RFC 5321 §4.5.3.2.7 asks for 5 minutes "
                "at least)."
            ),
            flag<C>(
                "hide_client_address",
                SEKISHO_AT(mail.hide_client_address),
                "Leave the subscriber's address out of the Received field of submitted mail."
            ),
            duration<C>(
                "hold_longest",
                SEKISHO_AT(mail.hold_longest),
                0s,
                24h * 366,
                "How long a mail program may ask that a message be held before it is sent "
                "(FUTURERELEASE, RFC 4865). 0s: it isn't offered."
            ),
            choice<C>(
                "scram",
                SEKISHO_AT(mail.scram),
                {"own", "always", "never"},
                "Whether SCRAM is offered to log in with. Accounts of other systems (see "
                "`[[account_source]]`) can't use it, and a program that could takes it before "
                "PLAIN. `own`: as long as there are no such sources. `always`: also with them, "
                "when programs that know SCRAM are those of own accounts; one of another "
                "system must be set to a plain password then."
            ),
            choice<C>(
                "from_check",
                SEKISHO_AT(mail.from_check),
                {"off", "observe", "rewrite", "enforce"},
                "Whether the From and Sender fields of submitted mail must name addresses of the "
                "account, as its envelope must. `observe`: what names others is logged. `rewrite`: "
                "From becomes the account's first address, for printers and scripts whose From "
                "nobody can set; the name stays, and answers go to the old address (Reply-To). "
                "`enforce`: it is refused."
            ),
            choice<C>(
                "from_unaligned",
                SEKISHO_AT(mail.from_unaligned),
                {"refuse", "rewrite", "warn", "allow"},
                "Submitted mail whose From is an address elsewhere, whose domain's SPF and DMARC "
                "records don't let us send it: `refuse` it with 550 and say where to send it "
                "instead; `rewrite` From to the account's first address, answers going to the old "
                "one "
                "(Reply-To); `warn` its sender by mail, once a day and domain; or `allow` it, "
                "without looking."
            ),
            choice<C>(
                "mta_sts",
                SEKISHO_AT(mail.mta_sts),
                {"off", "testing", "enforce"},
                "Offer a policy (MTA-STS, RFC 8461) that others send to us over TLS with the right "
                "certificate only: the guide serves it at "
                "`https://mta-sts.DOMAIN/.well-known/mta-sts.txt`, and `sekisho dns` prints the "
                "records. Begin with `testing`, which only has others report (TLSRPT)."
            ),
            choice<C>(
                "peer_check",
                SEKISHO_AT(mail.peer_check),
                {"off", "observe", "enforce"},
                "Whether who connects to port 25 from outside is judged: is it a mail server? "
                "`observe`: what is none is in the journal. `enforce`: it is refused too, and put "
                "in "
                "gate.penalty_class."
            ),
            choice<C>(
                "spf",
                SEKISHO_AT(mail.spf),
                {"off", "record", "enforce"},
                "SPF (RFC 7208) of mail from other servers. `record`: the result is in "
                "Received-SPF, Authentication-Results and the journal. `enforce`: a fail is "
                "answered 550 5.7.23 too; that hits mail which others forward to your subscribers."
            ),
            choice<C>(
                "dmarc",
                SEKISHO_AT(mail.dmarc),
                {"off", "record", "enforce"},
                "DMARC (RFC 9989) of mail from other servers. `record`: the result is in "
                "Authentication-Results and the journal. `enforce`: what the policy of the From "
                "domain wants rejected is answered 550 5.7.1; `quarantine` only marks."
            ),
            texts<C>(
                "arc_trusted",
                SEKISHO_AT(mail.arc_trusted),
                "Domains of lists and forwarders that you trust. When all who sealed a message "
                "(ARC, RFC 8617) are of these, and the first of them found DMARC to pass, its "
                "policy isn't enforced here: what they changed on the way is no forgery."
            ),
            at_start(duration<C>(
                "greeting_wait",
                SEKISHO_AT(mail.greeting_wait),
                0s,
                1min,
                "How long port 25 waits with its greeting. Who talks before it is answered 554 "
                "(RFC "
                "5321 §3.1): programs that only pour out spam do."
            )),
            duration<C>(
                "lookup_timeout",
                SEKISHO_AT(mail.lookup_timeout),
                100ms,
                1min,
                "How long a client on port 25 waits for what the DNS says of it: names, lists, "
                "SPF; "
                "and once more for DMARC. What isn't there then is a temporary error, and counts "
                "for nothing. (RFC 7208 §4.6.4 asks for 20 s at least.)"
            ),
            dns_lists(
                "dnsbl",
                SEKISHO_AT(mail.dnsbl),
                "Block lists of addresses (RFC 5782): each is a weight against whom it lists in "
                "`mail.peer_check`."
            ),
            dns_lists(
                "dnswl", SEKISHO_AT(mail.dnswl), "Lists of known mail servers, likewise, for them."
            ),
            choice<C>(
                "greylist",
                SEKISHO_AT(mail.greylist),
                {"off", "on"},
                "Whether a client on port 25 that `mail.peer_check` judges to be neither a mail "
                "server nor a client is told to come again later (450 4.7.1, RFC 6647); once it "
                "did, its network, or the domain that SPF vouches for, is known for 35 days."
            ),
            duration<C>(
                "greylist_delay", SEKISHO_AT(mail.greylist_delay), 1s, 1h, "How much later that is."
            ),
            number<C>(
                "login_failures_per_hour",
                SEKISHO_AT(mail.login_failures_per_hour),
                1,
                100000,
                "Failed logins in an hour, by account and by address, before more are refused "
                "unseen; ten times as many by network and by an address that several accounts use."
            ),
            number<C>(
                "recipients_per_hour",
                SEKISHO_AT(mail.recipients_per_hour),
                1,
                10000000,
                "Recipients an account may send to in an hour."
            ),
            number<C>(
                "recipients_per_day",
                SEKISHO_AT(mail.recipients_per_day),
                1,
                10000000,
                "Recipients an account may send to in a day."
            ),
        }
    };
    std::ranges::move(smtp_keys(), std::back_inserter(table.keys));
    return table;
}

Table<C> tls() {
    Table<C> table{
        "tls",
        false,
        "The certificate of the mail server and the guide. `sekisho reload` reads the files again.",
        {
            text<C>(
                "certificate",
                SEKISHO_AT(tls.certificate),
                "PEM file with the certificate and its chain. Empty: a self-signed one under "
                "`state_dir`."
            ),
            text<C>("key", SEKISHO_AT(tls.key), "PEM file with the private key."),
        }
    };
    std::ranges::move(client_certificate_keys(), std::back_inserter(table.keys));
    return table;
}

Table<C> queue() {
    return {
        "queue",
        false,
        "The spool and its schedule.",
        {
            at_start(text<C>(
                "directory",
                SEKISHO_AT(queue.directory),
                "Folder of the spool. Empty: `spool` under `state_dir`."
            )),
            at_start(size<C>(
                "segment_size",
                SEKISHO_AT(queue.segment_size),
                kMiB,
                4 * kGiB,
                "Size of a segment file; a message must fit in one."
            )),
            at_start(duration<C>(
                "commit_wait",
                SEKISHO_AT(queue.commit_wait),
                0ms,
                100ms,
                "How long a commit may wait for more messages to share its flush."
            )),
            waits<C>(
                "retry",
                SEKISHO_AT(queue.retry),
                R"(["5m", "10m", "20m", "40m", "1h", "2h", "4h"])",
                "Waits between tries; the last one repeats until `expire`."
            ),
            duration<C>(
                "expire",
                SEKISHO_AT(queue.expire),
                1min,
                24h * 30,
                "How long a message is tried before it goes back to its sender (RFC 5321 §4.5.4.1: "
                "4 to 5 days at least)."
            ),
            duration<C>(
                "delay_notice",
                SEKISHO_AT(queue.delay_notice),
                0s,
                24h * 30,
                "How long a message waits until its sender is told once that it is late (RFC 3461 "
                "§4.1, unless NOTIFY asks for less). `0s`: never."
            ),
            size<C>(
                "free_space_min",
                SEKISHO_AT(queue.free_space_min),
                0,
                1024 * kGiB,
                "With less space left on the disk, new mail is answered 452."
            ),
        }
    };
}

Key<C> dkim_algorithms_key() {
    Key<C> key = texts<C>(
        "algorithms", SEKISHO_AT(dkim.algorithms), "A key, and a signature, for each of these."
    );
    key.range = "rsa-sha256, ed25519-sha256";
    key.fallback = R"(["rsa-sha256", "ed25519-sha256"])";
    key.read = [range = key.range](C& c, const toml::node& node) {
        c.dkim.algorithms.clear();
        auto wrong = read_list(node, [&](const toml::node& one) -> std::optional<std::string> {
            const auto value = one.value_exact<std::string>();
            if (value != "rsa-sha256" && value != "ed25519-sha256") {
                return "expected some of: " + range;
            }
            c.dkim.algorithms.push_back(*value);
            return std::nullopt;
        });
        if (!wrong && c.dkim.algorithms.empty()) {
            wrong = "expected one algorithm at least";
        }
        return wrong;
    };
    return key;
}

Table<C> dkim() {
    return {
        "dkim",
        false,
        "DKIM signatures (RFC 6376) on mail from `mail.domains`. Keys are made and kept under "
        "`state_dir/dkim`; each signs once its record is in the DNS. `sekisho dns` prints what to "
        "publish.",
        {
            flag<C>(
                "sign", SEKISHO_AT(dkim.sign), "Make keys for `mail.domains`, and sign with them."
            ),
            dkim_algorithms_key(),
            duration<C>(
                "check_interval",
                SEKISHO_AT(dkim.check_interval),
                1s,
                24h * 7,
                "How often the DNS is asked for the records of our keys. While a key waits for its "
                "record, every five minutes at least."
            ),
            duration<C>(
                "keep_published",
                SEKISHO_AT(dkim.keep_published),
                1s,
                24h * 366,
                "How long a retired key's record has to stay in the DNS: as long as mail that it "
                "signed may be on its way (`queue.expire`, here and elsewhere)."
            ),
        }
    };
}

Table<C> delivery() {
    Table<C> table{
        "delivery",
        false,
        "How mail leaves.",
        {
            at_start(texts<C>(
                "resolvers",
                SEKISHO_AT(delivery.resolvers),
                "DNS resolvers, `ADDRESS` or `ADDRESS@PORT`. Empty: the system's."
            )),
            at_start(text<C>(
                "trust_anchor",
                SEKISHO_AT(delivery.trust_anchor),
                "File with DNSSEC trust anchors. Empty: answers are not validated here."
            )),
            number<C>(
                "port",
                SEKISHO_AT(delivery.port),
                1,
                65535,
                "Port of other mail servers; other than 25 only for tests."
            ),
            text<C>(
                "smarthost",
                SEKISHO_AT(delivery.smarthost),
                "`HOST:PORT` that takes all outgoing mail. Empty: by MX (RFC 5321 §5.1)."
            ),
            at_start(number<C>(
                "concurrency", SEKISHO_AT(delivery.concurrency), 1, 100000, "Deliveries at once."
            )),
            number<C>(
                "concurrency_per_destination",
                SEKISHO_AT(delivery.concurrency_per_destination),
                1,
                10000,
                "Deliveries at once to one destination: the domains whose best mail hosts are the "
                "same count as one."
            ),
            number<C>(
                "connection_messages_max",
                SEKISHO_AT(delivery.connection_messages_max),
                1,
                100000,
                "Messages over one connection, which is kept for the next one to the same "
                "destination. 1: a connection a message."
            ),
            duration<C>(
                "connection_idle",
                SEKISHO_AT(delivery.connection_idle),
                0s,
                5min,
                "How long a connection without a message is kept. RFC 5321 §4.5.3.2 lets servers "
                "wait five minutes; few do."
            ),
            flag<C>(
                "chunking",
                SEKISHO_AT(delivery.chunking),
                "Send messages with BDAT where CHUNKING is offered (RFC 3030), else with DATA."
            ),
            choice<C>(
                "eight_bit",
                SEKISHO_AT(delivery.eight_bit),
                {"return", "send"},
                "What becomes of a message with octets above 127 when no host offers 8BITMIME: "
                "`return` as RFC 6152 §3 says (5.6.3; nothing is encoded anew, which would break "
                "signatures), or `send` it as it is, which some hosts take without offering it."
            ),
            flag<C>("ipv4", SEKISHO_AT(delivery.ipv4), "Deliver over IPv4."),
            flag<C>("ipv6", SEKISHO_AT(delivery.ipv6), "Deliver over IPv6."),
            choice<C>(
                "local",
                SEKISHO_AT(delivery.local),
                {"maildir", "lmtp"},
                "How mail for `mail.domains` reaches its mailbox."
            ),
            text<C>(
                "maildir",
                SEKISHO_AT(delivery.maildir),
                "Folder of the mailboxes. Empty: `maildir` under `state_dir`."
            ),
            text<C>(
                "lmtp",
                SEKISHO_AT(delivery.lmtp),
                "`ADDRESS:PORT` or the path of a socket, for `local = \"lmtp\"` (RFC 2033)."
            ),
            text<C>(
                "dsn_from",
                SEKISHO_AT(delivery.dsn_from),
                "From address of delivery status notifications. Empty: `postmaster@` the hostname."
            ),
            text<C>(
                "replies",
                SEKISHO_AT(delivery.replies),
                "File with your own rules for what replies of other servers mean, in the form of "
                "`share/replies.toml`; they go before the built-in ones. Empty: none."
            ),
        }
    };
    std::ranges::move(delivery_tls_keys(), std::back_inserter(table.keys));
    return table;
}

}  // namespace

std::vector<Table<Config>> mail_tables() {
    std::vector<Table<Config>> out{mail(), evidence_table(), dkim()};
    out.insert(out.end(), {tls(), oauth_table(), forwarding_table()});
    out.insert(out.end(), {queue(), delivery(), http_table(), acme_table(), settings_table()});
    return out;
}

#undef SEKISHO_AT

}  // namespace sekisho::config
