// The one memory: what happened to a line, an address, an account, a message. One shape for all, so
// that the support desk finds everything about one subscriber with one look-up. Written by gate and
// mail server, read by guide and desk.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::event {

enum class Kind : std::uint8_t {
    GateBlocked,     // the gate refused or dropped a flow on port 25
    GateWouldBlock,  // it would have, were the rule enforced
    LoginAccepted,   // AUTH succeeded
    LoginRefused,    // AUTH failed; detail says why
    Accepted,        // a message was made durable and answered 250
    Refused,         // a command or message was answered 4xx/5xx; detail is the reply
    Delivered,       // one recipient, finished; detail is the remote reply
    Deferred,        // one recipient, tried and to be tried again
    Bounced,         // one recipient, given up because it was refused; a DSN was sent
    Held,
    Released,
    Dropped,         // what an operator did with a queued message
    AccountChanged,  // created, password changed, disabled, ...
    PolicyChanged,   // a new policy is in force
    PeerJudged,      // the exchange's judgement of a peer
    LeaseGranted,    // an exemption or a penalty; detail says for how long, by whom and why
    LeaseRenewed,
    LeaseEnded,      // expired, revoked, or a condition failed
    GateAnswered,    // a connection to port 25 was told why it ends at the gate
    GateDowngraded,  // an engine can't do what a rule says; detail says what it does instead
    EvidenceBegun,   // full flows of a line or prefix are recorded; detail says by whom and why
    EvidenceShown,   // somebody looked at them
    EvidenceStopped,
    EvidenceErased,
    LimitWouldRefuse,    // a limit in shadow would have; count says how often since the last one
    LimitReset,          // an operator let a key begin anew; detail says who and why
    ConductChanged,      // an account is slowed, held, suspended, or trusted again; detail says why
    ComplaintReceived,   // about a message of the account
    SuppressionChanged,  // mail for a recipient is refused, or taken again; detail says why
    Expired,  // one recipient, given up because its time was over; detail is the last reply. Rows
              // older than this kind are Bounced, "delivery time expired; last: " before the reply
};
[[nodiscard]] std::string_view name(Kind kind);  // "gate-blocked", ...
[[nodiscard]] std::optional<Kind> parse_kind(std::string_view text);

struct Event {
    std::int64_t id = 0;  // given by the journal, grows
    Time at{};
    Kind kind = Kind::Accepted;
    std::string address;  // of the client or the source of a flow, as text; may be empty
    std::string line;     // the subscriber's line, when known
    std::string account;  // login, when known
    std::string queue_id;
    std::string message_id;   // with its angle brackets
    std::string sender;       // reverse-path
    std::string recipient;    // forward-path
    std::string rule;         // policy rule or limit that decided
    std::int64_t count = 1;   // how many alike this row stands for (blocked packets)
    std::string detail;       // reply, reason; one line
    std::string reference;    // the number told to the subscriber, when one was
    std::int64_t octets = 0;  // of an accepted message
};

struct Query {
    std::optional<std::string> address, line, account, queue_id, message_id, sender, recipient,
        reference;
    std::vector<Kind> kinds;  // empty: all
    std::optional<Time> since, until;
    std::optional<std::int64_t> before_id;  // for paging
    std::optional<std::int64_t> after_id;   // only what was written later than this row
    std::size_t limit = 100;
    bool newest_first = true;
};

// How many rows alike there were in one step of time.
struct Tally {
    Kind kind = Kind::Accepted;
    std::int64_t step = 0;  // 0: from `since` on
    std::int64_t count = 0;
};

class Journal {
  public:
    virtual ~Journal() = default;
    // Never blocks on the disk: rows are written in batches by another thread. What cannot be
    // written is counted.
    virtual void append(Event event) = 0;
    // Waits until everything appended so far can be found (tests, shutdown, the CLI).
    virtual Status flush() = 0;
    [[nodiscard]] virtual Result<std::vector<Event>> find(const Query& query) = 0;
    // Rows by kind since a time, for overviews: kind -> sum of count.
    [[nodiscard]] virtual Result<std::vector<std::pair<Kind, std::int64_t>>> totals(Time since) = 0;
    // The same in steps of time, for charts. As it is here it reads every row; a store knows
    // better.
    [[nodiscard]] virtual Result<std::vector<Tally>> tally(Time since, Duration step);
};

// All that the query finds, page by page; its `limit` is left aside.
[[nodiscard]] Status for_each(
    Journal& journal, Query query, const std::function<void(const Event&)>& take
);

}  // namespace sekisho::event
