// What a try means for a recipient: delivered, given up, the next host, or another time. Pure.
#pragma once

#include "base/time.h"
#include "queue/spool.h"
#include "replies/table.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <cstdint>
#include <string>

namespace sekisho::delivery {

// What became of one recipient at one host (or here: maildir, no route).
struct Tried {
    smtp::Stage stage = smtp::Stage::Connect;
    smtp::Reply reply;
    bool local = false;          // the reply is ours, not a server's
    std::string remote_name;     // "mx1.example.net", empty: none was asked
    std::string remote;          // "mx1.example.net[192.0.2.1]:25"
    std::string from;            // our address, where the operator chose it
    std::string tls;             // "TLSv1.3 TLS_AES_256_GCM_SHA384, not verified", empty: plain
    bool put_back = false;       // nothing was tried, since we are stopping
    bool by_passed_on = false;   // it said DELIVERBY, and was told the time (RFC 2852 §4.1.4)
    bool dsn_passed_on = false;  // the server said DSN: notifying is its duty (RFC 3461 §5.2.1)
    replies::Meaning meaning;    // of a reply that isn't positive, by classify()
    std::string destination;     // the name of the rule for it; empty: there is none
};
void classify(Tried& tried);

enum class Decision : std::uint8_t { Delivered, Bounce, NextHost, Defer };

// `last`: no other host is left to try.
//
// A host that can't be reached, or refuses the session as a whole, says nothing about the
// recipient: the next host is asked (RFC 5321 §5.1). A recipient refused with 5yz is given up; with
// 4yz before the data, the next host may take it. After the end of the data nothing else is asked,
// because the message may have been taken (RFC 1047). A rule for replies may turn a server's 4yz
// into 5yz and the other way round (replies::Treat).
[[nodiscard]] Decision decide(const Tried& tried, bool last);

// The host lacks what the message needs (SMTPUTF8, 8BITMIME, SIZE, REQUIRETLS), which another may
// have: a verdict only when no host was left that might take it another time.
[[nodiscard]] bool lacking(const Tried& tried);

// A server said that we are too fast: a 421 (RFC 5321 §3.8), or a reply of kind "rate".
[[nodiscard]] bool asks_to_slow_down(const Tried& tried);

struct Settled {
    queue::RecipientState state = queue::RecipientState::Pending;
    std::string reply;     // as kept in the spool and shown in events
    std::string status;    // "5.1.1", for the DSN
    bool expired = false;  // given up because its time was over
};
// How long to wait for the next try after the try number `attempts`, where `wait` is what the
// schedule says. `random` is uniform over 64 bits.
[[nodiscard]] Duration bounded_wait(
    Duration wait, const replies::Kind& kind, int attempts, std::uint64_t random
);

// After the last host: the state of the recipient. Deferred at or after `expires`: given up.
[[nodiscard]] Settled settle(const Tried& tried, Time now, Time expires);

}  // namespace sekisho::delivery
