// What the mail role counts; read by status_json() and the metrics page.
#pragma once

#include "base/histogram.h"
#include "peer/judge.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sekisho::mail {

struct Counters {
    using Count = std::atomic<std::uint64_t>;

    Count connections{0}, connections_open{0}, connections_refused{0};
    Count early_talkers{0}, timeouts{0};
    Count proxies_refused{0};  // connections of listed proxies without a PROXY header
    Count browsers{0};         // on the port that wants ALPN "smtp"
    Count tls_started{0}, tls_failed{0};
    Count logins_accepted{0}, logins_refused{0};
    Count messages_signed{0};  // by DKIM
    Histogram taken;           // from the end of a message to its 250
    Histogram stored;          // of which until it was durable
    Count messages_accepted{0}, recipients_accepted{0}, octets_accepted{0};
    Count misplaced_clients{0};  // recipients refused to mail programs on 25
    Count peers_server{0}, peers_client{0}, peers_unknown{0};  // judgements on the exchange
    std::array<Count, 7> spf{};        // messages on the exchange by spf::Code
    std::array<Count, 5> dmarc{};      // and by dmarc::Result
    Count greylisted{0};               // recipients told to come again
    std::array<Count, 200> refused{};  // by reply code, 400 to 599

    void judge(peer::Opinion opinion) {
        ++(opinion == peer::Opinion::Server   ? peers_server
           : opinion == peer::Opinion::Client ? peers_client
                                              : peers_unknown);
    }
    void refuse(int code) {
        if (code >= 400 && code < 600) {
            ++refused.at(static_cast<std::size_t>(code) - 400);
        }
    }
};

}  // namespace sekisho::mail
