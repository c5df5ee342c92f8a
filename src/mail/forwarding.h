// What becomes of a message's recipients when addresses of ours lead to others. No I/O.
#pragma once

#include "account/forwarding.h"
#include "base/time.h"
#include "config/config.h"
#include "mail/rules.h"
#include "message/header.h"
#include "queue/spool.h"
#include "srs/srs.h"

#include <map>
#include <string>
#include <vector>

namespace sekisho::mail {

// Those that sign and verify; `own`: the installation's.
[[nodiscard]] srs::Secrets srs_secrets(const config::Forwarding& config, const std::string& own);
// Who is to be told about mail from `sender`: behind a sender of forwarded mail, its original one.
[[nodiscard]] std::string original_sender(
    const std::string& sender, const srs::Secrets& secrets, Time now
);
// The reverse-path under which mail of `sender` goes on to another provider. Our own senders, the
// null reverse-path, and what can't be rewritten stay as they are.
[[nodiscard]] std::string forwarded_sender(
    const std::string& sender, const Settings& settings, const srs::Secrets& secrets, Time now
);

// The addresses that the message was forwarded by already (Delivered-To).
[[nodiscard]] std::vector<std::string> visited(const message::Header& header);

struct Spread {
    std::vector<queue::Recipient> here;                       // under the sender as it is
    std::map<std::string, std::vector<queue::Recipient>> on;  // outside, by who forwards
    std::string circle;  // a recipient that the message has been forwarded by, and nothing else
};
// `destinations`: of recipients of ours, by their normalised address; others stay.
[[nodiscard]] Spread spread(
    const queue::Envelope& envelope,
    const std::map<std::string, std::vector<account::Destination>>& destinations,
    const std::vector<std::string>& visited
);

}  // namespace sekisho::mail
