// Takes due messages from the spool, tries every recipient, tells the journal, returns what can't
// be delivered, and ends the try in the spool. README.md has the flow.
//
// Order for safety: a notification is durable in the spool before the outcome that made it
// necessary is recorded. A crash at any point leads to a repeated try at worst.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "delivery/notices.h"
#include "delivery/route.h"
#include "delivery/routes/destination_rule.h"
#include "delivery/routes/source.h"
#include "delivery/sts_source.h"
#include "delivery/tls/policy.h"
#include "dkim/sign.h"
#include "event/event.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/tls.h"
#include "queue/retry.h"
#include "queue/spool.h"
#include "queue/suspension.h"
#include "report/tls.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {

// Values as config::Delivery, config::Mail and config::Queue have them. Everything here can be
// changed by reload().
struct Options {
    RouteOptions route;
    NoticeOptions notices;
    queue::RetrySchedule retry;
    Duration delay_notice{0};  // after it a sender is told that a message is late; 0: never
    std::size_t concurrency = 100;
    std::size_t concurrency_per_destination = 10;
    std::size_t connection_messages_max = 100;  // 1: none is kept for another message
    Duration connection_idle{10'000};
    bool chunking = true;
    bool eight_bit_anyway = false;
    bool ipv4 = true, ipv6 = true;
    enum class Local : std::uint8_t { Maildir, Lmtp };
    Local local = Local::Maildir;
    std::string maildir;              // root folder
    std::string lmtp;                 // "127.0.0.1:24", "[::1]:24" or the path of a socket
    std::vector<TlsRule> tls;         // towards others
    std::vector<SourcePool> sources;  // of our addresses
    std::vector<DestinationRule> destinations;
    // Of routes with a login, by the routes' names; one that is missing can't be read.
    std::map<std::string, std::string> passwords;
    bool mta_sts = true;  // their policies are asked for
    Duration connect_timeout{30'000};
    std::size_t addresses_max = 10;  // of hosts of a destination, tried for one message at once
};

// Who is told what became of recipients elsewhere. Called on a loop: it must not wait.
class RecipientWatch {
  public:
    virtual ~RecipientWatch() = default;
    // A server said that nobody will ever get mail there.
    virtual void gone(const event::Event& bounced) = 0;
    virtual void reached(const std::string& recipient) = 0;
};

struct Deps {
    net::Loops& loops;
    net::Workers& workers;
    net::Resolver& resolver;
    queue::Spool& spool;
    event::Journal& journal;
    std::shared_ptr<const net::TlsContext> tls;  // for STARTTLS towards others; null: never
    // The mailbox (account) that receives for an address of our own domains; also asked for
    // "postmaster" alone (RFC 5321 §4.5.1). NotFound: 550 5.1.1; other errors: tried again. Called
    // on a worker. Not asked when local is Lmtp: the LMTP server knows its users.
    std::function<Result<std::string>(std::string_view address)> find_mailbox;
    // Signs notifications (DKIM); null: they go without.
    const dkim::SignerHolder* signer = nullptr;
    // Accounts and domains that an operator stopped; null: none.
    const queue::Suspensions* suspensions = nullptr;
    // For hosts that must show a certificate that we trust; null: such are never reached.
    std::shared_ptr<const net::TlsContext> tls_verified = nullptr;
    std::shared_ptr<StsSource> sts = nullptr;  // null: no MTA-STS
    RecipientWatch* watch = nullptr;           // null: nobody asks
    // Told of TLS in each session with another's server, on a loop: it must not wait. May be empty.
    std::function<void(const report::TlsSeen&)> tls_seen = {};
};

class Deliverer {
  public:
    // What `deps` refers to must outlive the loops' run.
    [[nodiscard]] static std::unique_ptr<Deliverer> make(Deps deps, Options options);
    virtual ~Deliverer() = default;  // as stop(0)
    virtual void start() = 0;
    // Takes no new messages and waits for running tries, at most `grace`. What still runs then is
    // tried again after the next start. Call it while the loops run, never on one.
    virtual void stop(Duration grace) = 0;
    virtual void reload(Options options) = 0;  // for tries that begin from now on

    struct Counters {
        std::uint64_t delivered_total = 0, deferred_total = 0;  // recipients
        std::uint64_t bounced_total = 0, expired_total = 0;     // the same: refused, over time
        std::uint64_t attempts_total = 0;                       // connections tried
        std::uint64_t reused_total = 0;                         // messages over a kept connection
        std::uint64_t tls_total = 0;                            // of them, secured
        std::uint64_t tls_failed_total = 0;  // handshakes that failed, gone on in plain
        std::uint64_t notices_total = 0;     // DSNs put into the spool
        std::uint64_t in_delivery = 0;       // messages, now
    };
    [[nodiscard]] virtual Counters counters() const = 0;
    // The counters and the places (best hosts together) with connections or waiting messages, as a
    // JSON object.
    [[nodiscard]] virtual std::string status_json() const = 0;
};

}  // namespace sekisho::delivery
