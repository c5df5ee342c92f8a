// What waits, by destination and by account: the queue's state at a glance. Pure.
#pragma once

#include "base/time.h"
#include "cli/context.h"
#include "queue/spool.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace sekisho::cli {

class QueueStats {
  public:
    void add(const queue::Entry& entry);
    // The `limit` with the most messages, of both. A destination: messages, recipients, held,
    // in_delivery, oldest, next_try, and why: the reply that its oldest message waits with.
    [[nodiscard]] Json json(std::size_t limit) const;

  private:
    struct Destination {
        std::uint64_t messages = 0, recipients = 0, held = 0, in_delivery = 0;
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
