// Messages to one server, SMTP or LMTP: the client session of smtp/ on a stream of net/. A
// connection belongs to its executor; send_again() may be called on any.
#pragma once

#include "account/sasl_client.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls.h"
#include "net/workers.h"
#include "smtp/client_session.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::delivery {

struct Peer {
    std::string name;         // as known: MX host, address
    Endpoint endpoint;        // TCP
    std::string socket_path;  // LMTP on a Unix-domain socket; then `endpoint` isn't used
    std::optional<IpAddress> from = std::nullopt;  // our address, if it matters
    [[nodiscard]] std::string text() const;        // "mx1.example.net[192.0.2.1]:25", or the path
};

struct SendOptions {
    std::string hostname;  // our EHLO name
    bool lmtp = false;
    bool keep = false;              // leave the connection open for another message
    bool chunking = true;           // BDAT where it is offered (RFC 3030)
    bool eight_bit_anyway = false;  // to servers without 8BITMIME too
    // STARTTLS where it is offered; null: never. After a failed handshake the message goes in plain
    // on a new connection (RFC 7435 §4), which is logged; unless TLS is required.
    std::shared_ptr<const net::TlsContext> tls;
    bool tls_required = false;
    bool implicit_tls = false;  // from the first byte, with `tls`; no STARTTLS, never in plain
    // Log in first; `workers`, which must be given too, compute what that takes.
    std::optional<account::ClientLogin> login = std::nullopt;
    net::Workers* workers = nullptr;
    bool login_without_tls = false;
    std::string tls_name;   // of the server in TLS; empty: the peer's
    std::string tls_proof;  // what a handshake with `tls` shows: "verified by DANE"
    Duration connect_timeout{30'000};
};

class Connection;

struct Attempt {
    std::vector<smtp::RecipientOutcome> recipients;  // in the order given
    std::string tls;           // "TLSv1.3 TLS_AES_256_GCM_SHA384, verified by DANE", empty: plain
    bool tls_failed = false;   // the handshake; gone on without it unless it is required
    bool tls_tried = false;    // a handshake was begun
    std::string tls_error;     // why it failed, or STARTTLS was refused
    std::string tls_fault;     // of a handshake that held: what was wrong with the certificate
    bool dsn_offered = false;  // RFC 3461 §5: the server took over notifying
    bool by_offered = false;   // RFC 2852: it was told the time of delivery
    // A kept connection turned out to be closed before the message went over it: what was not
    // answered is to be sent anew, and says nothing about the server.
    bool stale = false;
    std::shared_ptr<Connection> connection;  // still open, for another message
};

class Connection {
  public:
    virtual ~Connection() = default;
    // On executor(), one at a time. With `keep` it stays open if it can.
    [[nodiscard]] virtual net::Task<Attempt> send(smtp::OutgoingMessage message, bool keep) = 0;
    [[nodiscard]] virtual net::Task<void> quit() = 0;        // on executor(); closes it
    [[nodiscard]] virtual std::size_t messages() const = 0;  // that it has carried or refused
    [[nodiscard]] virtual const Peer& peer() const = 0;
    [[nodiscard]] virtual net::Executor executor() const = 0;
};

// Over a connection that was just made to the peer.
[[nodiscard]] net::Task<Attempt> send_message(
    std::unique_ptr<net::Stream> stream,
    Peer peer,
    SendOptions options,
    smtp::OutgoingMessage message
);
// There was none.
[[nodiscard]] Attempt not_reached(
    const std::vector<smtp::OutgoingRecipient>& recipients, const Error& error
);
// Over one that was kept.
[[nodiscard]] net::Task<Attempt> send_again(
    std::shared_ptr<Connection> connection, smtp::OutgoingMessage message, bool keep
);

}  // namespace sekisho::delivery
