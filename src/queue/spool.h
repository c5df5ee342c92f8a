// The spool: where a message becomes durable before 250, and from where delivery takes it. The
// queue keeps the states of queue.md; the store behind it is an append-only segment log with group
// commit.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::queue {

enum class RecipientState : std::uint8_t { Pending, Delivered, Bounced, Dropped };

// A grade has its share while others wait too, so none is starved; alone it has everything.
enum class Grade : std::uint8_t {
    Urgent,       // asked for
    Interactive,  // a person waits
    Bulk,         // to many, or one of many
    Report,       // notifications without a reverse-path
};

struct Recipient {
    std::string address;  // forward-path without angle brackets
    std::string orcpt;    // RFC 3461 ORCPT as given, or empty
    std::string notify;   // RFC 3461 NOTIFY as given: "", "NEVER", "FAILURE,DELAY", ...
    RecipientState state = RecipientState::Pending;
    std::string last_reply;  // of the last try: "550 5.1.1 ..." or a local reason
};

// RFC 2852: when the message must have been delivered, else it is returned, or its sender is told
// that it is late.
struct DeliverBy {
    enum class Mode : std::uint8_t { Return, Notify };
    Time deadline{};
    Mode mode = Mode::Return;
    bool trace = false;  // each hop reports that it has handed the message on
    friend bool operator==(const DeliverBy&, const DeliverBy&) = default;
};

inline constexpr int kPriorityMax = 9;  // RFC 6710: -9 to 9

struct Envelope {
    std::string queue_id;      // given by the spool when empty
    std::string reverse_path;  // empty: the null reverse-path
    std::vector<Recipient> recipients;
    std::string account;     // who submitted; empty on the exchange
    std::string client;      // address of the peer, as text
    std::string message_id;  // of the message, with angle brackets
    std::string ret, envid;  // RFC 3461
    bool smtputf8 = false;
    bool body_8bit = false;
    bool body_binary = false;             // RFC 3030: lines end with CRLF in the header only
    std::optional<DeliverBy> deliver_by;  // with mode Return, expiry is not after its deadline
    int priority = 0;                     // RFC 6710; higher is sooner
    bool require_tls = false;             // RFC 8689
    Time accepted{};
    std::uint64_t size = 0;  // octets of the message
    // "host:port" to deliver to instead of what routing says, by an operator's order.
    std::string route;
    // The first try is not before it, whatever else has held the message meanwhile (RFC 4865).
    std::optional<Time> release;
    // Nor before this, which append() only makes the entry's due time of: it isn't kept by itself.
    std::optional<Time> not_before;
};

// What the list commands show, and what delivery starts from.
struct Entry {
    Envelope envelope;
    Time due{};  // next try
    Time expires{};
    int attempts = 0;
    bool held = false;
    std::string hold_reason;
    bool in_delivery = false;
    Grade grade = Grade::Interactive;
    bool delay_told = false;  // its sender knows that it is late
};
[[nodiscard]] std::string_view name(Grade grade);

// The outcome of one try for one message, all recipients that were tried.
struct Outcome {
    struct PerRecipient {
        std::string address;
        RecipientState state = RecipientState::Pending;  // Pending: to be tried again
        std::string reply;
    };
    std::vector<PerRecipient> recipients;
    std::optional<Time> next_try;  // required while any recipient stays Pending
    bool delay_told = false;       // Entry::delay_told from now on
};

// Which messages an operator's command is about; an empty field asks nothing.
struct Filter {
    std::set<std::string> ids;  // one of them
    std::string account;        // exact
    std::string sender;     // reverse-path, ASCII case-insensitive; "<>" is the null reverse-path
    std::string recipient;  // a forward-path, ASCII case-insensitive
    std::string domain;     // of a forward-path, ASCII case-insensitive
    std::string client;     // exact
    std::optional<bool> held, in_delivery;
    std::optional<Time> accepted_before;
    std::string after;  // a queue id: only what is younger, for the next page
    std::size_t limit = 100;
};
[[nodiscard]] bool matches(const Filter& filter, const Entry& entry);

// What an operator does with messages.
struct Order {
    enum class Action : std::uint8_t { Retry, Hold, Release, Drop, Reroute };
    Action action = Action::Retry;
    std::string reason;  // of a hold
    std::string route;   // of Reroute: Envelope::route
    Time at{};           // Retry, Release and Reroute: when to try
};

// What opening found wrong with stored records; nothing of it stops the spool.
struct Damage {
    enum class Kind : std::uint8_t {
        TornTail,        // an incomplete record at the end of the log: nobody was told 250 for it
        BodyDamaged,     // the envelope is sound, the message's bytes are not: held for an operator
        MessageLost,     // an acknowledged message can't be read; `queue_id` says which
        StateLost,       // a state record can't be read: the message stays in its state before it
        UnknownRecord,   // sound, but of a type this version doesn't know
        BytesSkipped,    // a stretch that holds no readable record header
        SegmentMissing,  // a whole segment file isn't there
    };
    Kind kind = Kind::BytesSkipped;
    std::string queue_id;  // empty when the record's header itself can't be read
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    std::string text;  // one sentence
};
[[nodiscard]] std::string_view name(Damage::Kind kind);

// Giving the space of finished messages back at once, instead of when there is much of it: from the
// old end on segments are given up, and what is still queued in them is written again.
struct Compaction {
    std::uint64_t segments = 0;             // to be given up
    std::uint64_t messages = 0, bytes = 0;  // to be written again
    std::uint64_t frees = 0;                // bytes of the log, what is written again counted off
    bool running = false;                   // begun and not yet done
};

class Spool {
  public:
    virtual ~Spool() = default;

    // An unused queue id, for trace fields that must name it before append() is called with it.
    // Ids are 10 characters, sort by age and don't come again, restarts included.
    [[nodiscard]] virtual std::string reserve_id() { return {}; }

    // Makes envelope and message durable, then calls `done` exactly once with the queue id or the
    // error (Full: no space; Unavailable: the disk failed; Cancelled: closing). `done` runs on the
    // spool's committer thread: post from it to your own loop, do nothing else there. Many calls
    // are committed by one fdatasync.
    using Committed = std::function<void(Result<std::string>)>;
    virtual void append(Envelope envelope, std::string message, Committed done) = 0;

    // The next message that is due and neither held nor in delivery, marked as in delivery; none:
    // nullopt. Fair between accounts and grades (schedule.h).
    [[nodiscard]] virtual std::optional<Entry> take_due(Time now) = 0;
    // When take_due() could return something, for the caller's timer.
    [[nodiscard]] virtual std::optional<Time> next_due() = 0;
    // Called (on any thread) when something may have become due sooner than next_due() said.
    virtual void on_wake(std::function<void()> wake) = 0;
    // The message's bytes, as accepted (CRLF line ends).
    [[nodiscard]] virtual Result<std::string> message(std::string_view queue_id) = 0;
    // The same, if it is small and need not wait for the disk: for who must not wait. nullopt: ask
    // message().
    [[nodiscard]] virtual std::optional<std::string> message_at_once(std::string_view) {
        return std::nullopt;
    }
    // Ends a try begun by take_due(). Durable when `done` is called; a finished message leaves the
    // queue. An error other than NotFound, Conflict and Invalid means "not durable yet": the spool
    // keeps the outcome, writes it when the disk is back, and doesn't hand the message out before,
    // so the try must not be repeated. Addresses the message doesn't have are ignored.
    virtual void finish(
        std::string_view queue_id, const Outcome& outcome, std::function<void(Status)> done
    ) = 0;
    // Ends it without a try: the message is due again at the time. Nothing is written: after a
    // restart it is due as it was.
    virtual void give_back(std::string_view /*queue_id*/, Time /*due*/) {}

    // The operator's commands; each is durable when it returns.
    [[nodiscard]] virtual std::vector<Entry> list(std::size_t limit) = 0;
    [[nodiscard]] virtual Result<Entry> show(std::string_view queue_id) = 0;
    virtual Status retry_now(std::string_view queue_id, Time now) = 0;
    virtual Status hold(std::string_view queue_id, std::string reason) = 0;
    virtual Status release(std::string_view queue_id, Time now) = 0;
    virtual Status drop(std::string_view queue_id) = 0;
    // The same for many, made durable together; one status each, in the order of the ids.
    [[nodiscard]] virtual std::vector<Status> act(
        const Order& order, const std::vector<std::string>& queue_ids
    );

    // What it would do now, or has still to do; `begin` starts it. New mail goes on meanwhile.
    [[nodiscard]] virtual Compaction compact(bool /*begin*/) { return {}; }

    struct Counters {
        std::uint64_t queued = 0, held = 0, in_delivery = 0;
        std::uint64_t appended_total = 0, commits_total = 0, synced_bytes_total = 0;
        std::uint64_t acks_before_durable_total =
            0;  // must stay 0; counted by a check, not assumed
        std::uint64_t segments = 0, segment_bytes = 0;
        // `queued` is everything in the spool. Of it: waiting for its time; being written after a
        // try; and set aside because its bytes fail their checksum.
        std::uint64_t scheduled = 0, finishing = 0, damaged = 0;
        std::uint64_t live_bytes = 0;  // of the segments' bytes, those of queued messages
        std::uint64_t spare_segments = 0, recycled_total = 0, carried_total = 0;
        std::uint64_t append_failures_total = 0, write_errors_total = 0;
        std::uint64_t backlog = 0;  // state records that wait for the disk to come back
        bool writable = true;       // false from a failed write until the next good one
    };
    [[nodiscard]] virtual Counters counters() const = 0;

    // Calls with each queued message that matches, oldest first, until it gives false or the
    // filter's limit is reached. What comes meanwhile isn't seen. Holds no lock during the calls.
    using Visitor = std::function<bool(Entry entry)>;
    virtual void visit(const Filter& filter, const Visitor& visitor);
    [[nodiscard]] std::vector<Entry> find(const Filter& filter);
    // What opening found damaged.
    [[nodiscard]] virtual std::vector<Damage> damage() const { return {}; }
};

}  // namespace sekisho::queue
