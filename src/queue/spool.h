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
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::queue {

enum class RecipientState : std::uint8_t { Pending, Delivered, Bounced, Dropped };

struct Recipient {
    std::string address;  // forward-path without angle brackets
    std::string orcpt;    // RFC 3461 ORCPT as given, or empty
    std::string notify;   // RFC 3461 NOTIFY as given: "", "NEVER", "FAILURE,DELAY", ...
    RecipientState state = RecipientState::Pending;
    std::string last_reply;  // of the last try: "550 5.1.1 ..." or a local reason
};

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
    Time accepted{};
    std::uint64_t size = 0;  // octets of the message
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
};

// The outcome of one try for one message, all recipients that were tried.
struct Outcome {
    struct PerRecipient {
        std::string address;
        RecipientState state = RecipientState::Pending;  // Pending: to be tried again
        std::string reply;
    };
    std::vector<PerRecipient> recipients;
    std::optional<Time> next_try;  // required while any recipient stays Pending
};

class Spool {
  public:
    virtual ~Spool() = default;

    // Makes envelope and message durable, then calls `done` exactly once with the queue id or the
    // error (Full: no space; Unavailable: the disk failed; Cancelled: closing). `done` runs on the
    // spool's committer thread: post from it to your own loop, do nothing else there. Many calls
    // are committed by one fdatasync.
    using Committed = std::function<void(Result<std::string>)>;
    virtual void append(Envelope envelope, std::string message, Committed done) = 0;

    // The next message that is due and neither held nor in delivery, marked as in delivery; none:
    // nullopt.
    [[nodiscard]] virtual std::optional<Entry> take_due(Time now) = 0;
    // When take_due() could return something, for the caller's timer.
    [[nodiscard]] virtual std::optional<Time> next_due() = 0;
    // Called (on any thread) when something may have become due sooner than next_due() said.
    virtual void on_wake(std::function<void()> wake) = 0;
    // The message's bytes, as accepted (CRLF line ends).
    [[nodiscard]] virtual Result<std::string> message(std::string_view queue_id) = 0;
    // Ends a try begun by take_due(). Durable when `done` is called; a finished message leaves the
    // queue.
    virtual void finish(
        std::string_view queue_id, const Outcome& outcome, std::function<void(Status)> done
    ) = 0;

    // The operator's commands; each is durable when it returns.
    [[nodiscard]] virtual std::vector<Entry> list(std::size_t limit) = 0;
    [[nodiscard]] virtual Result<Entry> show(std::string_view queue_id) = 0;
    virtual Status retry_now(std::string_view queue_id, Time now) = 0;
    virtual Status hold(std::string_view queue_id, std::string reason) = 0;
    virtual Status release(std::string_view queue_id, Time now) = 0;
    virtual Status drop(std::string_view queue_id) = 0;

    struct Counters {
        std::uint64_t queued = 0, held = 0, in_delivery = 0;
        std::uint64_t appended_total = 0, commits_total = 0, synced_bytes_total = 0;
        std::uint64_t acks_before_durable_total =
            0;  // must stay 0; counted by a check, not assumed
        std::uint64_t segments = 0, segment_bytes = 0;
    };
    [[nodiscard]] virtual Counters counters() const = 0;
};

}  // namespace sekisho::queue
