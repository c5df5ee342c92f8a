// One message to one server, SMTP or LMTP: the client session of smtp/ on a stream of net/.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls.h"
#include "smtp/client_session.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::delivery {

struct Peer {
    std::string name;         // as known: MX host, address
    Endpoint endpoint;        // TCP
    std::string socket_path;  // LMTP on a Unix-domain socket; then `endpoint` isn't used
    [[nodiscard]] std::string text() const;  // "mx1.example.net[192.0.2.1]:25", or the path
};

struct SendOptions {
    std::string hostname;  // our EHLO name
    bool lmtp = false;
    // STARTTLS where it is offered; null: never. After a failed handshake the message goes in plain
    // on a new connection (RFC 7435 §4), which is logged; unless TLS is required.
    std::shared_ptr<const net::TlsContext> tls;
    bool tls_required = false;
    std::string tls_proof;  // what a handshake with `tls` shows: "verified by DANE"
    Duration connect_timeout{30'000};
};

struct Attempt {
    std::vector<smtp::RecipientOutcome> recipients;  // in the order given
    std::string tls;           // "TLSv1.3 TLS_AES_256_GCM_SHA384, verified by DANE", empty: plain
    bool tls_failed = false;   // the handshake; gone on without it unless it is required
    bool dsn_offered = false;  // RFC 3461 §5: the server took over notifying
};

[[nodiscard]] net::Task<Attempt> send_message(
    net::Executor executor, Peer peer, SendOptions options, smtp::OutgoingMessage message
);

}  // namespace sekisho::delivery
