// From what a client sent to what the spool keeps: checks, repair (RFC 6409 §8), trace field,
// envelope. No I/O.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/sign.h"
#include "message/header.h"
#include "queue/spool.h"
#include "smtp/server_session.h"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

struct Submitted {
    std::string account;          // login; empty on the exchange
    std::string account_address;  // becomes From when the message has none; empty: leave it
    bool rewrite_from = false;    // ... or another one
    std::string helo;
    IpAddress client;
    std::string hostname;  // ours
    std::string domain;    // of ours, for names without one
    std::string queue_id;
    std::string unique;  // for a Message-ID that we give
    bool extended = true, tls = false, hide_client = false;
    std::string tls_version, tls_cipher;
    Time at{};
    int priority = 0;                  // as granted
    std::string results;               // fields to stand above Received
    std::vector<std::string> own_ids;  // Authentication-Results with these are taken out
    bool trace = true;                 // else Received is for add_trace() to put on top
};

struct Prepared {
    queue::Envelope envelope;
    std::string message;
};

// `header` is the scan of `message`. With an account the message is mended; on the exchange only
// trace fields are added. Authentication-Results that pretend to be ours go (RFC 8601 §5).
[[nodiscard]] Prepared prepare(
    const Submitted& from,
    const smtp::Transaction& transaction,
    std::string_view message,
    const message::Header& header
);

// The Received field on top, of a message that was prepared without; the envelope's message id and
// size are brought up to date.
void add_trace(Prepared& prepared, const Submitted& from, const smtp::Transaction& transaction);

// Whether the signer has keys for the message's From.
[[nodiscard]] bool to_be_signed(const Prepared& prepared, const dkim::Signer& signer);
// Puts its DKIM signatures before the message. Reads all of it: not for a loop's thread.
[[nodiscard]] Status sign(Prepared& prepared, const dkim::Signer& signer, Time at);

}  // namespace sekisho::mail
