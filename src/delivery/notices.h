// Which delivery status notifications a try leads to (RFC 3461, RFC 3464), as messages ready for
// the spool. Pure.
#pragma once

#include "base/time.h"
#include "delivery/outcome.h"
#include "queue/spool.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {

struct NoticeOptions {
    std::string hostname;
    std::string from;  // header From: "postmaster@mail.example.net"
    std::string provider_name, provider_name_ja, support, guide_url;
    // Who is told instead of a reverse-path: behind one that was rewritten stands another. Empty:
    // nobody else.
    std::function<std::string(const std::string& reverse_path)> original_sender;
};

struct FinishedRecipient {
    queue::Recipient recipient;
    Settled settled;
    Tried tried;
    bool final_delivery = false;  // into a mailbox here, not to the next server
    // Set for one that still waits and is late: until when it will be tried.
    std::optional<Time> late_until;
};

// When the sender is told that the message is late: at the time that it asked to be told for (RFC
// 2852, by-mode "N"), else `delay` after its first try was due. nullopt: never, or told already.
struct LateOptions {
    Duration delay{0};   // 0: never
    Duration expire{0};  // as queue::RetrySchedule
};
[[nodiscard]] std::optional<Time> late_at(const queue::Entry& entry, const LateOptions& options);

struct Notice {
    queue::Envelope envelope;  // null reverse-path, to the sender
    std::string message;
};

// nullopt: nobody is to be told (a null reverse-path, NOTIFY=NEVER, nothing final, ...). `unique`
// makes the notification's Message-ID.
[[nodiscard]] std::optional<Notice> make_notice(
    const queue::Envelope& envelope,
    const std::vector<FinishedRecipient>& recipients,
    std::string_view original,
    const NoticeOptions& options,
    const std::string& unique,
    Time now
);

}  // namespace sekisho::delivery
