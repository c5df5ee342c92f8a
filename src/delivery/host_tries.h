// The hosts of a destination, one after the other, for the recipients of one domain. For this room
// only.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "delivery/connections.h"
#include "delivery/engine.h"
#include "delivery/outcome.h"
#include "delivery/route.h"
#include "delivery/routes/conditions.h"
#include "delivery/routes/rule.h"
#include "delivery/routes/source.h"
#include "delivery/security.h"
#include "delivery/smtp_client.h"
#include "delivery/tls/demand.h"
#include "delivery/tls_seen.h"
#include "net/race.h"
#include "net/stream.h"
#include "net/task.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {

// Ours, for good: decide() gives up at this stage.
[[nodiscard]] inline Tried hopeless(smtp::Reply reply) {
    return {.stage = smtp::Stage::Rcpt, .reply = std::move(reply), .local = true};
}
[[nodiscard]] inline Tried another_time(const char* enhanced, const std::string& text) {
    return {
        .stage = smtp::Stage::Connect, .reply = smtp::reply(451, enhanced, text), .local = true
    };
}
[[nodiscard]] inline GroupResult same_for_all(const Group& group, const Tried& tried) {
    GroupResult result;
    result.tried.assign(group.members.size(), tried);
    return result;
}

// The hosts of a destination, or what there is to say instead.
struct Plan {
    std::vector<Host> hosts;
    std::size_t best = 0;  // as Destination has them
    std::string place;
    std::string security_domain;    // whose rules and policies for TLS count
    bool configured = false;        // the hosts are named by us or by the address
    bool hosts_secure = false;      // DNSSEC vouches for them
    std::optional<RouteRule> rule;  // the operator's route that leads there
    std::optional<Tried> instead;
    std::optional<Tried> no_address;  // when no host turns out to have one
};

class HostTries {
  public:
    HostTries(std::shared_ptr<Job> job, Group group, Bytes bytes, bool lmtp);

    net::Task<GroupResult> run(Plan plan);
    // LMTP on a Unix-domain socket.
    net::Task<GroupResult> run_socket(std::string place, std::string path);

  private:
    [[nodiscard]] bool over() const;
    void tell_pace();
    [[nodiscard]] std::vector<Host> in_order(const Plan& plan) const;
    [[nodiscard]] SecurityTools tools() const;
    [[nodiscard]] std::string key_of(const Host& host, Demand::Kind kind) const;
    struct Found {
        std::vector<IpAddress> addresses;
        bool secure = false;
        std::string canonical;
    };
    net::Task<Found> addresses_of(Host host);
    net::Task<void> try_host(Host host);
    net::Task<void> try_kept(std::string to);
    [[nodiscard]] SendOptions send_options(const Security& security, const Peer& peer) const;
    [[nodiscard]] std::vector<net::Path> paths_to(
        const std::vector<IpAddress>& addresses, std::uint16_t port
    ) const;
    net::Task<std::vector<Endpoint>> try_addresses(
        std::string name, std::vector<net::Path> paths, std::string to, Security security
    );
    net::Task<void> try_peer(
        std::unique_ptr<net::Stream> stream,
        Connections::Use use,
        Peer peer,
        std::string to,
        Security security
    );
    void missed(const Peer& peer, const Error& error);
    void refuse(const Host& host, const Security& security);
    void note_tls(
        const Security& security, const Peer& peer, const Attempt& attempt, std::string ours
    );
    void tell(const Security& security, const TlsSession& session);
    void choose_pool();
    void keep_reached(const Host& host, std::vector<IpAddress>& addresses);
    void take_in(const Peer& peer, Attempt& attempt);

    std::shared_ptr<Job> job_;
    Group group_;
    Bytes bytes_;
    bool lmtp_;
    std::string place_;
    std::optional<RouteRule> rule_;
    RouteQuestion question_;
    const SourcePool* pool_ = nullptr;  // of the job's options
    Source source_;                     // from the pool, for the next connection
    TlsWish wish_;
    SecurityDomain domain_;
    std::vector<std::size_t> open_;  // indices into the group
    std::vector<Endpoint> asked_;
    GroupResult result_;
    std::size_t tries_ = 0;
    bool reached_ = false;
    bool refused_ = false;  // a host, since it can't show what is demanded
    std::optional<Tried> look_up_failed_;
};

}  // namespace sekisho::delivery
