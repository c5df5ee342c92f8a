// Ends a queued message on an operator's word, with a notice to its sender. Blocks until it is
// durable: not for an event loop.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "delivery/notices.h"
#include "dkim/sign.h"
#include "queue/spool.h"

#include <string>

namespace sekisho::delivery {

// A notification without signature is better than none. `signer` may be null.
[[nodiscard]] Notice signed_notice(const dkim::Signer* signer, Notice notice, Time at);

struct DismissDeps {
    queue::Spool& spool;
    const NoticeOptions& options;
    const dkim::SignerHolder* signer = nullptr;
};
// Puts the notice about all recipients that wait into the spool; then, and only then, drops the
// message. No notice where none may be (a null reverse-path, NOTIFY=NEVER): dropped all the same.
// `reason` is told to the sender.
[[nodiscard]] Status dismiss(
    const DismissDeps& deps, const queue::Entry& entry, const std::string& reason, Time at
);

}  // namespace sekisho::delivery
