// What sekisho.toml says, as plain values. Each key is declared once, in keys.cc, with its type,
// default, unit, range and help; the reader, `sekisho config defaults|check` and
// docs/configuration.md come from that declaration.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "base/time_zone.h"
#include "delivery/routes/destination_rule.h"
#include "delivery/routes/rule.h"
#include "delivery/routes/source.h"
#include "delivery/tls/policy.h"
#include "limit/spec.h"
#include "peer/evidence.h"
#include "policy/policy.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::config {

struct Provider {
    std::string name = "Example Net";    // shown to subscribers
    std::string name_ja;                 // the same in Japanese; empty: name
    std::string domain = "example.net";  // the provider's main mail domain
    std::string support_mail;            // empty: support@domain
    std::string support_phone;
    std::string support_hours;
    std::string
        guide_url;  // as subscribers reach the guide, no trailing '/'; empty: made from http.listen
};

struct Log {
    std::string level = "info";   // debug, info, warning, error
    std::string format = "auto";  // auto, text, json
};

struct Gate {
    std::string engine = "xdp";  // xdp, nftables, none
    std::string mode =
        "enforce";  // enforce: rules as their stage says; observe: nothing is blocked
    std::vector<std::string> interfaces;  // empty: every interface that is up, without lo
    std::string xdp_mode = "auto";        // auto, native, generic, tc
    std::string pin;                      // folder in bpffs; empty: nothing outlives the process
    std::uint32_t events_per_line_per_minute = 10;
    std::uint32_t answer_connections_max = 1000;
    std::uint32_t answer_per_address_max = 5;
    Duration answer_timeout{60'000};
    Duration evidence_longest{24LL * 3600 * 1000};
    Duration evidence_keep{7LL * 24 * 3600 * 1000};
    std::string exempt_class;             // empty: there are no exemptions
    std::string exempt_requests = "off";  // off, operator, automatic: who grants what is asked for
    Duration exempt_held_for{30LL * 24 * 3600 * 1000};
    Duration exempt_for{90LL * 24 * 3600 * 1000}, exempt_longest{366LL * 24 * 3600 * 1000};
    std::vector<std::string> dnsbl;  // zones that an exemption may have to be absent from
    Duration condition_interval{300'000};
    std::string penalty_class;  // empty: there are no penalties
    Duration penalty_for{3'600'000};
    std::uint32_t penalties_max = 10'000;
};

struct Radius {
    std::vector<Endpoint> listen;  // accounting; empty: off
    struct Client {
        Prefix from;
        std::string secret;
    };
    std::vector<Client> clients;    // [[radius.client]]
    std::vector<Endpoint> forward;  // the operator's own accounting servers; empty: we answer
    std::string forward_secret;
    Duration forward_timeout{2000};
};

struct LineSource {        // [[lines]]
    std::string name;      // unique; sessions are kept under it
    std::string kind;      // static, kea
    std::string file;      // a table, or the lease file that Kea writes
    std::string identity;  // kea: what of a lease names the line
    friend bool operator==(const LineSource&, const LineSource&) = default;
};

// A list of addresses in the DNS (RFC 5782) that the exchange asks about its peers.
struct DnsList {
    std::string zone;  // lower case, no trailing dot
    Prefix answers;    // what counts as a listing of the answers
    int points = 25;   // of peer::judge()'s score
    // "ZONE[=ANSWERS][*POINTS]", as "zen.example.org=127.0.0.8/29*40"; the answers are an address
    // or a prefix in 127.0.0.0/8. Invalid: says what is wrong.
    [[nodiscard]] static Result<DnsList> parse(std::string_view text);
};

struct Mail {
    std::string hostname;               // in greetings and trace fields; empty: the machine's
    std::vector<std::string> domains;   // we take mail for these on 25; empty: provider.domain
    std::vector<Endpoint> submission;   // STARTTLS, usually port 587
    std::vector<Endpoint> submissions;  // implicit TLS, usually port 465
    std::vector<Endpoint> exchange;     // port 25
    std::vector<std::string>
        port_fallback;  // unused ports to take when the wanted one is taken, "587=2587"
    std::uint64_t message_size_max = 50ULL * 1024 * 1024;
    std::uint32_t recipients_max = 100;
    std::uint32_t connections_max = 10000;
    std::uint32_t connections_per_address_max = 50;
    std::uint32_t bad_commands_max = 10;
    std::uint32_t unknown_recipients_max = 20;      // RCPTs of a session that lead nowhere
    Duration command_timeout{300'000};              // RFC 5321 §4.5.3.2.7
    Duration hold_longest{7LL * 24 * 3600 * 1000};  // FUTURERELEASE (RFC 4865); zero: not offered
    std::vector<Endpoint> submissions_alpn;         // implicit TLS that wants ALPN "smtp", port 443
    std::vector<Prefix> proxy_from;                 // connections begin with a PROXY header
    std::vector<Prefix> xclient_from;               // who may say XCLIENT
    std::uint32_t stress_at = 80;                   // per cent of connections_max
    std::uint32_t data_rate_min = 500;              // octets a second that a message must come with
    bool binarymime = false;                        // RFC 3030
    bool deliver_by = true;                         // RFC 2852
    Duration deliver_by_min{60'000};                // the soonest that may be asked for
    bool priority = true;                           // MT-PRIORITY (RFC 6710)
    std::uint32_t priority_max = 0;                 // the highest that anyone gets
    std::vector<std::string> priority_from;      // logins and prefixes that get what they ask for
    bool require_tls = true;                     // REQUIRETLS (RFC 8689)
    bool reencode = true;                        // what others couldn't take (RFC 6409 §8)
    bool null_mx = true;                         // RFC 7505, asked while the client waits
    bool hide_client_address = false;            // Received without the subscriber's address
    std::string from_check = "enforce";          // From and Sender are the account's: off, observe
    std::string scram = "own";                   // offered: own, always, never
    std::string from_unaligned = "warn";         // From that DMARC fails: refuse, warn, allow
    std::string mta_sts = "off";                 // off, testing, enforce: our own policy (RFC 8461)
    std::string peer_check = "observe";          // of who connects to 25: off, observe, enforce
    std::string spf = "record";                  // off, record, enforce
    std::string dmarc = "record";                // off, record, enforce
    std::vector<std::string> arc_trusted;        // domains whose seals vouch
    Duration greeting_wait{500};                 // on the exchange, for early talkers
    Duration lookup_timeout{10'000};             // for all that the DNS is asked about a peer
    std::vector<DnsList> dnsbl, dnswl;           // against and for a server
    std::string greylist = "off";                // off, on: of peers judged neither
    Duration greylist_delay{5LL * 60'000};       // before they may come again
    std::uint32_t login_failures_per_hour = 20;  // per account and per address
    std::uint32_t recipients_per_day = 1000;     // per account
    std::uint32_t recipients_per_hour = 300;
};

struct PeerEvidence {  // what tells servers from clients on the exchange
    std::uint32_t server_at = 30, client_at = 30;
    peer::Rules rules;                          // but for the two above: peer_rules() has them
    std::string names;                          // a file (peer/name_patterns.h); empty: none
    std::vector<std::string> dynamic_networks;  // files of prefixes
    [[nodiscard]] peer::Rules peer_rules() const;
};

struct Limits {          // what every [[limit]] shares
    TimeZone time_zone;  // when a day begins
    std::vector<std::string> home_classes{"subscribers", "static"};
    std::vector<std::string> domestic_classes{"roaming"};
    std::vector<std::string> relay_networks;  // files of prefixes; who comes from there is anywhere
    std::string country;                      // two letters
    std::string country_file;                 // empty: no country is known
};

struct Conduct {  // what is done about a misused account; conduct/machine.h has the rules
    std::string mode = "observe";  // off, observe, enforce
    std::uint32_t slow_at = 40, hold_at = 70, suspend_at = 100, password_at = 160;
    std::uint32_t slow_recipients_per_hour = 20;
    Duration half_life{6LL * 3600 * 1000};
    Duration quiet{24LL * 3600 * 1000};
    std::uint32_t network_v4 = 24, network_v6 = 48;
    std::uint32_t networks_max = 5, network_points = 15;
    std::uint32_t countries_max = 2, country_points = 25;
    std::uint32_t travel_points = 40;
    Duration travel_within{30LL * 60'000};
    std::uint32_t strangers_max = 50, stranger_points = 1;
    std::uint32_t refused_min = 10, refused_percent = 30, refused_points = 20;
    std::uint32_t gate_points = 10;
    std::uint32_t complaint_points = 30;
    std::uint32_t spam_points = 10;
    std::uint32_t line_accounts = 2;
    bool tell_subscriber = true;
    std::string abuse_mail;      // empty: nobody is told
    std::string report_address;  // empty: no complaint is read
};

struct Dkim {
    bool sign = true;
    std::vector<std::string> algorithms{"rsa-sha256", "ed25519-sha256"};  // a key for each
    Duration check_interval{3'600'000};               // is the record of each key in the DNS?
    Duration keep_published{7LL * 24 * 3600 * 1000};  // a retired key's record
};

struct Tls {
    std::string certificate, key;  // PEM files; empty: state_dir/tls/ self-signed
    std::string client_ca;         // PEM; who signs certificates that log in (SASL EXTERNAL)
    std::vector<std::string> client_logins;  // "SHA256=login", beside the names in certificates
};

struct OAuth {  // bearer tokens as logins (RFC 7628)
    std::string issuer;
    std::string keys;           // a file or an https URL of a JWK Set
    std::string introspection;  // or the URL of an RFC 7662 endpoint
    std::string client_id, client_secret;
    std::vector<std::string> audiences;
    std::string scope;            // that a token must have; empty: any
    std::string claim = "email";  // names the account
    Duration skew{60'000};
    std::string ca;                    // PEM, instead of the system's trust
    std::string openid_configuration;  // told to clients whose token is refused
    [[nodiscard]] bool enabled() const { return !keys.empty() || !introspection.empty(); }
    friend bool operator==(const OAuth&, const OAuth&) = default;
};

struct AccountSource {  // [[account_source]]
    std::string name;   // unique
    std::string kind;   // ldap, dovecot
    Duration timeout{5'000};
    std::vector<std::string> addresses;  // templates: "{login}", "{user}@example.net"
    std::string server;                  // a URL of LDAP, or a socket of Dovecot's
    std::string secret;                  // of bind_dn
    bool start_tls = false;
    std::string ca;  // PEM, instead of the system's trust
    std::string bind_dn, base, filter = "(mail={login})";
    std::string address_attribute = "mail", name_attribute = "cn";
    std::string check = "bind";  // or compare: userPassword is compared
    std::uint32_t connections = 4;
    bool recipients = true;  // mail to those whom it knows is taken (ldap, dovecot with userdb)
    std::string userdb;      // a socket of Dovecot's that answers who is there
    friend bool operator==(const AccountSource&, const AccountSource&) = default;
};

struct Forwarding {
    std::string srs_domain;                // empty: the first of mail.domains
    std::vector<std::string> srs_secrets;  // beside the installation's own
    bool arc_seal = true;
};

struct Milter {          // [[milter]]
    std::string name;    // unique
    std::string socket;  // as written
    std::string path;    // of it: a Unix-domain socket, or else
    Endpoint endpoint;
    std::vector<std::string> services;  // submission, exchange
    std::string away = "tempfail";      // accept, tempfail, reject
    Duration connect_timeout{5'000}, command_timeout{30'000}, content_timeout{120'000};
    std::vector<std::string> spam_fields{"X-Spam: Yes", "X-Spam-Flag: Yes"};
    bool spam_verdicts = false;  // its refusals of messages say that they are spam
    friend bool operator==(const Milter&, const Milter&) = default;
};

struct Queue {
    std::string directory;  // empty: state_dir/spool
    std::uint64_t segment_size = 64ULL * 1024 * 1024;
    Duration commit_wait{1};      // how long the committer may wait for company
    std::vector<Duration> retry;  // waits between tries; the last repeats
    Duration expire{5LL * 24 * 3600 * 1000};
    Duration delay_notice{4LL * 3600 * 1000};             // after it a sender is told; 0: never
    std::uint64_t free_space_min = 256ULL * 1024 * 1024;  // below it new mail is answered 452
};

struct Delivery {
    std::vector<std::string> resolvers;  // empty: the system's
    std::string trust_anchor;            // DNSSEC root key file; empty: not validated here
    std::uint16_t port = 25;
    std::string smarthost;  // "host:port"; empty: by MX
    std::uint32_t concurrency = 100;
    std::uint32_t concurrency_per_destination = 10;
    std::uint32_t connection_messages_max = 100;  // 1: a connection a message
    Duration connection_idle{10'000};             // kept so long for the next message
    bool chunking = true;                         // BDAT (RFC 3030)
    std::string eight_bit = "return";             // to who lacks 8BITMIME: return, send
    bool ipv4 = true, ipv6 = true;
    std::string local = "maildir";       // for own domains: maildir or lmtp
    std::string maildir;                 // empty: state_dir/maildir
    std::string lmtp;                    // "127.0.0.1:24" or a socket's path
    std::string dsn_from;                // empty: postmaster@hostname
    std::vector<delivery::TlsRule> tls;  // [delivery.tls]; the most exact one counts
    bool mta_sts = true;                 // RFC 8461
    std::uint16_t mta_sts_port = 443;
    std::string trust_ca;                                 // PEM file; empty: the system's
    std::vector<delivery::RouteRule> routes;              // [[route]], the first that fits counts
    std::vector<delivery::DestinationRule> destinations;  // [[destination]], likewise
    std::vector<delivery::SourcePool> sources;            // [[source]]
    std::string replies;  // the operator's rules for replies; empty: none
};

struct Suppression {          // recipients that are refused at submission since they only bounce
    std::uint32_t after = 0;  // bounces; 0: nobody is
    Duration within{30LL * 24 * 3600 * 1000};
    Duration keep{90LL * 24 * 3600 * 1000};
};

struct Events {                      // what else gets the events, beside the journal
    std::vector<std::string> kinds;  // empty: those of mail
    std::string file;                // JSON lines; empty: none
    std::string webhook;             // an http or https URL; empty: none
    std::string webhook_secret;      // a file with the key that signs; empty: unsigned
    std::string webhook_ca;          // PEM, instead of the system's trust
    std::uint32_t webhook_batch = 100;
    Duration webhook_wait{1'000};  // for company
    std::uint32_t webhook_buffer = 10'000;
    friend bool operator==(const Events&, const Events&) = default;
};

struct Acme {               // certificates by RFC 8555
    std::string directory;  // URL; empty: off
    std::string mail;       // of the operator's account there
    bool agree = false;     // to the authority's terms
    std::vector<std::string> names;
    Duration renew_before{30LL * 24 * 3600 * 1000};
    std::vector<Endpoint> listen;  // plain HTTP for challenges
    std::string client = "lego";
    std::string ca;  // PEM; whom to trust as the directory
};

struct Reports {               // DMARC aggregate reports and SMTP TLS reports
    std::string from;          // address; empty: none are sent
    std::string organization;  // empty: provider.name
    std::string contact;       // a URL or address, for people
    bool dmarc = true, tls = true;
    Duration send_after{30LL * 60 * 1000};  // after midnight, UTC
    Duration spread{2LL * 3600 * 1000};
    bool failures = false;                // failure reports (RFC 9991) are sent, too
    std::uint32_t failures_per_day = 20;  // about each domain
    bool https = true;
    bool https_private = false;        // to addresses of private networks, too
    std::string receive;               // address; empty: none are read
    std::vector<std::string> domains;  // beside ours
    Duration keep{400LL * 24 * 3600 * 1000};
};

struct Http {
    std::vector<Endpoint> listen;  // guide, desk and metrics
    bool tls = false;
};

struct Desk {                                  // operators at the console
    Duration session_idle{30LL * 60 * 1000};   // ends without a request for so long
    Duration session_max{10LL * 3600 * 1000};  // ends in any case
};

struct Settings {  // what a mail program is told (guide); one model, every page a rendering
    std::string outgoing_host;  // empty: mail.hostname
    std::uint16_t submission_port = 587, submissions_port = 465;
    std::string incoming_host;           // empty: outgoing_host; may be foreign
    std::string incoming_type = "imap";  // imap, pop3, none
    std::uint16_t incoming_port = 993;
    bool pacc = false;     // also in the form of draft-ietf-mailmaint-pacc
    std::string pictures;  // folder with pictures of real programs; empty: drawn ones
};

struct Retention {  // how long the memory goes back
    Duration events{90LL * 24 * 3600 * 1000};
    Duration sessions{180LL * 24 * 3600 * 1000};  // after their end
};

struct Config {
    std::string file;  // where it came from
    std::string state_dir = "var";
    std::string user;  // role mail and desk drop to this user after binding; empty: don't
    Provider provider;
    Log log;
    Gate gate;
    Radius radius;
    std::vector<LineSource> lines;
    Mail mail;
    PeerEvidence peer_evidence;
    Limits limits;
    std::vector<limit::Spec> limit;  // [[limit]]
    Conduct conduct;
    Dkim dkim;
    Tls tls;
    OAuth oauth;
    std::vector<AccountSource> account_sources;
    Forwarding forwarding;
    std::vector<Milter> milters;  // in the order they are asked
    Queue queue;
    Delivery delivery;
    Suppression suppression;
    Events events;
    Reports reports;
    Http http;
    Acme acme;
    Desk desk;
    Settings settings;
    Retention retention;
    policy::Source policy;                   // [[class]] and [[rule]]
    std::vector<std::string> watched_files;  // prefix files that classes name

    // With every "empty: ..." above filled in.
    [[nodiscard]] Config resolved() const;
    [[nodiscard]] std::string database() const;                       // state_dir/sekisho.db
    [[nodiscard]] std::string dkim_folder() const;                    // state_dir/dkim
    [[nodiscard]] std::string socket(const std::string& role) const;  // state_dir/run/ROLE.sock
};

}  // namespace sekisho::config
