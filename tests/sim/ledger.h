// What everybody was promised, and what became of it; throws Broken when the two don't agree.
//
// A copy is one append to the spool. A client that gets no answer offers its message again, as
// another copy. A recipient of a copy may get it twice only when its server's reply was lost, or
// when a crash came between the reply and the outcome being durable.
#pragma once

#include "base/result.h"
#include "queue/spool.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace sekisho::sim {

class Ledger {
  public:
    // Before append(); `about` and `failed`: a notification, of which message and recipients.
    void offer(
        const queue::Envelope& envelope,
        const std::string& body,
        const std::string& about = {},
        const std::set<std::string>& failed = {}
    );
    void answered(const std::string& message_id, const Result<std::string>& answer);

    // Delivery.
    void handed_out(const queue::Entry& entry);
    void read(const std::string& message_id, std::string_view bytes) const;
    void received(const std::string& message_id, const std::string& recipient);
    void reply_lost(const std::string& message_id, const std::string& recipient);
    void finishing(const std::string& message_id, const queue::Outcome& outcome);
    void finished(const std::string& message_id, const Status& status);

    // Operators.
    void ordered(const std::string& message_id, queue::Order::Action action, const Status& status);

    // The process has ended, and another has opened the spool.
    void crashed();
    void reopened(queue::Spool& spool);
    // Everything is over: nothing may be left.
    void conclude(queue::Spool& spool);

    struct Totals {
        std::uint64_t accepted = 0, delivered = 0, returned = 0, dropped = 0;  // recipients
        std::uint64_t unreturnable = 0;  // notifications that nobody took
        std::uint64_t duplicates = 0;    // deliveries more than one
        std::uint64_t unanswered = 0;    // copies in the spool of which the client had no yes
        std::uint64_t lives = 0;
    };
    [[nodiscard]] Totals totals() const;

  private:
    enum class Answer : std::uint8_t { None, Yes, No };
    enum class Hold : std::uint8_t { No, Yes, Unknown };
    struct Fate {
        std::uint64_t received = 0, excused = 0;
        queue::RecipientState end = queue::RecipientState::Pending;
        bool durable = false;  // `end` has been acknowledged
    };
    struct Copy {
        std::string body, queue_id, reverse_path, about;
        std::set<std::string> failed;
        std::map<std::string, Fate> fates;
        Answer answer = Answer::None;
        std::uint64_t answered_in = 0;  // life
        Hold hold = Hold::No;
        bool in_spool = false;  // seen there, or promised to be
        bool gone = false;      // seen not to be there
        bool in_delivery = false, maybe_dropped = false;
    };
    [[nodiscard]] Copy& copy(const std::string& message_id);
    void compare(const std::string& id, Copy& of, const queue::Entry& entry);
    static void account_for(const std::string& id, Copy& of);
    [[nodiscard]] std::string whose(const std::string& queue_id) const;
    [[nodiscard]] bool told(const std::string& id, const std::string& recipient) const;

    std::map<std::string, Copy> copies_;  // by message id
    std::uint64_t life_ = 1;
};

}  // namespace sekisho::sim
