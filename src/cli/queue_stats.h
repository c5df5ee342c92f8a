// What waits, by destination and by account: the queue's state at a glance. Pure.
#pragma once

#include "base/time.h"
#include "cli/context.h"
#include "queue/spool.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace sekisho::cli {

class QueueStats {
  public:
    // `suspended`: an operator has stopped the account or the domain.
    using Suspended = std::function<bool(const queue::Envelope&, const std::string& domain)>;
    void add(const queue::Entry& entry, const Suspended& suspended = {});
    // The `limit` with the most messages, of both. A destination: messages, recipients, oldest,
    // next_try, and what they wait for, of each message one: held, suspended, in_delivery (for a
    // place, a connection or an answer), deferred (tried, for the next try), planned (not due yet,
    // not tried), due (for its turn). And why: the reply that its oldest message waits with.
    [[nodiscard]] Json json(std::size_t limit) const;

  private:
    struct Destination;
    static std::uint64_t& waits_in(
        Destination& destination,
        const queue::Entry& entry,
        const std::string& domain,
        const Suspended& suspended
    );
    struct Destination {
        std::uint64_t messages = 0, recipients = 0;
        std::uint64_t held = 0, suspended = 0, in_delivery = 0, deferred = 0, planned = 0, due = 0;
        std::optional<Time> oldest, next;
        std::optional<Time> why_of;  // when the message was accepted that `why` is of
        std::string why;
    };
    struct Account {
        std::uint64_t messages = 0, bytes = 0, held = 0;
        std::optional<Time> oldest;
    };
    std::uint64_t messages_ = 0, bytes_ = 0, held_ = 0;
    std::map<std::string, Destination> destinations_;
    std::map<std::string, Account> accounts_;
};

}  // namespace sekisho::cli
