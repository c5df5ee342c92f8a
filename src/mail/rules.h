// The decisions of the mail role as functions of facts: who may send as whom, who may speak on 25,
// which limits a recipient takes, what a reply says. No I/O.
#pragma once

#include "account/account.h"
#include "account/sasl.h"
#include "base/ip.h"
#include "base/networks.h"
#include "base/time.h"
#include "config/config.h"
#include "limit/countries.h"
#include "limit/limiter.h"
#include "limit/spec.h"
#include "line/line.h"
#include "message/header.h"
#include "message/repair.h"
#include "milter/milter.h"
#include "net/stream.h"
#include "policy/policy.h"
#include "smtp/address.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"
#include "srs/srs.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

class CallAhead;     // mail/call_ahead.h
class PeerEvidence;  // mail/peers.h

// What sessions read of the configuration; a reload makes another one, running sessions keep
// theirs.
struct Settings {
    config::Config config;  // resolved
    std::shared_ptr<const policy::Policy> policy;
    std::set<std::string, std::less<>> domains;  // ours, lower case
    std::uint16_t submission_port = 587;         // as it is bound
    std::vector<limit::Spec> limits;
    bool ask_line = false;  // a limit counts by line or by where a client is, or lines have conduct
    std::shared_ptr<const limit::Countries> countries;  // null: no table
    Networks relays;                                    // limits.relay_networks
    // The country of an address; empty: unknown, or a relay's, which says nothing.
    [[nodiscard]] std::string country_of(const IpAddress& address) const;
    // Where a client is. A line that is known, or a home class: at home. A relay: in the country.
    [[nodiscard]] limit::Where whereabouts(
        const IpAddress& client, bool line_known, std::string_view network_class
    ) const;
    std::vector<std::shared_ptr<milter::Milter>> milters;
    std::shared_ptr<CallAhead> call_ahead;  // null: mail isn't delivered by LMTP
    std::shared_ptr<const PeerEvidence> peers;
    srs::Secrets srs_secrets;  // empty: senders of forwarded mail stay as they are

    [[nodiscard]] bool ours(std::string_view domain) const { return domains.contains(domain); }
};

// The names of the limits, as refusals and metrics show them.
inline constexpr std::string_view kRecipientsPerHour = "recipients_per_hour";
inline constexpr std::string_view kRecipientsPerDay = "recipients_per_day";

[[nodiscard]] smtp::ServerOptions session_options(
    const Settings& settings, smtp::Service service, bool implicit_tls, bool tls_available
);

// Submission. nullopt: the account may send as `sender` (none: the null reverse-path, which mail
// programs use for read receipts, RFC 8098 §3).
[[nodiscard]] std::optional<smtp::Reply> refuse_sender(
    const account::Account& account, const std::optional<smtp::Address>& sender
);

// The same for who a message says it is from: every address of From, and Sender, must be one of the
// account's (RFC 6409 §6.1). No From at all is for the repair to mend.
[[nodiscard]] std::optional<smtp::Reply> refuse_author(
    const account::Account& account, const message::Inspection& inspection
);

// 450 4.7.1 with the limit's name, what is used, what is allowed, when it is free again, and the
// guide's page about it. Never
// 451 or 452: Thunderbird takes those for "too many recipients" and asks to send in parts.
[[nodiscard]] smtp::Reply limit_reply(const limit::Refusal& refusal, std::string_view guide_url);
// 550 5.7.1: the account's owner has chosen on the own page that nothing is sent from abroad.
[[nodiscard]] smtp::Reply abroad_reply(std::string_view guide_url);
// The same for AUTH: 454 4.7.0 (RFC 4954 §6).
[[nodiscard]] smtp::Reply login_limit_reply(const limit::Refusal& refusal);
// RFC 6710 §4.1: what is granted to who asks for a priority (none: the normal one, 0).
[[nodiscard]] int granted_priority(
    const config::Mail& mail,
    std::optional<int> asked,
    std::string_view login,
    const IpAddress& client
);
// Whom a client's certificate names: as configured, then its mail addresses.
[[nodiscard]] std::vector<std::string> identities_of(
    const config::Tls& config, const net::TlsInfo& tls
);
// What a refused login is answered (RFC 4954 §6). Who doesn't know the password is told the same in
// every case.
[[nodiscard]] smtp::Reply login_refusal(account::SaslRefusal why);
// 454 4.7.0: the store is away.
[[nodiscard]] smtp::Reply login_unavailable();
// The reply with the address of the guide's text about it: GUIDE/login#5.7.8.
[[nodiscard]] smtp::Reply with_help(smtp::Reply reply, std::string_view guide_url);

// A client on the exchange that is no mail server by our own policy or lines.
struct Misplaced {
    std::string rule;    // the policy rule, or "line"
    std::string reason;  // one sentence, for the support desk
};
// `local`: our address the client spoke to. A rule in stage observe refuses nobody: that is what
// the operator asked for. A rule that passes the pair (static addresses, exemptions) beats the
// line.
[[nodiscard]] std::optional<Misplaced> misplaced(
    const policy::Policy& policy,
    const IpAddress& client,
    const IpAddress& local,
    const line::Answer& line
);
[[nodiscard]] smtp::Reply misplaced_reply(const Settings& settings, std::string_view reference);

// For one from outside that peer::judge() calls a client.
[[nodiscard]] smtp::Reply not_a_server_reply(
    const Settings& settings, const IpAddress& client, std::string_view reference
);

// More than this many Received fields: the message runs in circles (RFC 5321 §6.3 wants at least
// 100 to be allowed between hosts; within one provider's mail 50 are never honest).
inline constexpr std::size_t kReceivedMax = 50;
[[nodiscard]] std::optional<smtp::Reply> refuse_message(const message::Header& header);

// Of submitted mail: a field that may stand there once (RFC 5322 §3.6) and stands there twice.
// Which one counts would be anybody's guess, and large receivers refuse such mail.
[[nodiscard]] std::optional<smtp::Reply> refuse_repeated(const message::Header& header);

// Likewise: a line among the fields that is none, or a field of addresses without any that can be
// read. `message` is what the header was scanned from.
[[nodiscard]] std::optional<smtp::Reply> refuse_malformed(
    const message::Header& header, std::string_view message
);

// "587=2587" and so on: the port to take when `wanted` can't be had.
[[nodiscard]] std::optional<std::uint16_t> fallback_port(
    const std::vector<std::string>& pairs, std::uint16_t wanted
);

}  // namespace sekisho::mail
