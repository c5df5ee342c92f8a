// RADIUS accounting as the source of sessions (RFC 2866): packets in, sessions into a LineStore,
// answers out. No socket and no clock: whoever listens hands in bytes, peer and time.
//
// A packet is answered only when it has been recorded (RFC 2866 §3), so that the NAS repeats what
// we couldn't keep. Nothing is answered to who isn't known or doesn't prove the secret. A repeated
// packet is answered again and changes nothing.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"
#include "line/radius_packet.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::line {

class AccountingReceiver {
  public:
    struct Client {
        Prefix from;
        std::string secret;
    };
    struct Options {
        std::vector<Client> clients;  // the longest prefix that holds the peer decides
        // Event-Timestamps that are further from now than this are not believed: the clock of
        // that NAS is wrong, and `now` less Acct-Delay-Time stands in.
        Duration clock_error_max{std::chrono::hours{24}};
    };
    struct Counters {
        std::uint64_t received = 0;
        std::uint64_t unknown_client = 0;     // no secret for the peer
        std::uint64_t malformed = 0;          // not an accounting packet, or without what it needs
        std::uint64_t bad_authenticator = 0;  // another secret, or changed on its way
        std::uint64_t starts = 0, interims = 0, stops = 0, nas_restarts = 0;
        std::uint64_t ignored = 0;  // answered, but of a status that says nothing about sessions
        std::uint64_t without_address = 0;    // a session that names no address (yet)
        std::uint64_t clock_disbelieved = 0;  // see clock_error_max
        std::uint64_t store_failures = 0;     // not recorded, so not answered
        std::uint64_t answered = 0;
    };

    // `store` must outlive the receiver.
    AccountingReceiver(Options options, LineStore& store);

    // An authentic packet, with the secret of who sent it.
    struct Taken {
        AccountingRequest request;
        std::string secret;
        bool kept = false;  // recorded; or last_error() says why not
    };
    // Reads and records. Nothing when the packet is dropped: last_error() says why.
    [[nodiscard]] std::optional<Taken> take(
        std::string_view packet, const IpAddress& from, Time now
    );
    // The bytes to send back to where the packet came from, if any: take() and the answer.
    [[nodiscard]] std::optional<std::string> handle(
        std::string_view packet, const IpAddress& from, Time now
    );
    [[nodiscard]] const Counters& counters() const { return counters_; }
    // Of the last packet that was dropped: for the log.
    [[nodiscard]] const std::string& last_error() const { return last_error_; }
    void set_clients(std::vector<Client> clients) { options_.clients = std::move(clients); }

  private:
    [[nodiscard]] const Client* client_for(const IpAddress& from) const;
    [[nodiscard]] Time happened(const AccountingRequest& request, Time now);
    [[nodiscard]] Status record(const AccountingRequest& request, const IpAddress& from, Time now);
    [[nodiscard]] Status record_session(
        const AccountingRequest& request, const std::string& nas, Time at
    );

    Options options_;
    LineStore& store_;  // NOLINT(*-avoid-const-or-ref-data-members)
    Counters counters_;
    std::string last_error_;
};

}  // namespace sekisho::line
