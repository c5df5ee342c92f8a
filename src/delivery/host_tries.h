// The hosts of a destination, one after the other, for the recipients of one domain. For this room
// only.
#pragma once

#include "base/ip.h"
#include "delivery/engine.h"
#include "delivery/outcome.h"
#include "delivery/route.h"
#include "delivery/smtp_client.h"
#include "net/task.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <cstddef>
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
    [[nodiscard]] std::vector<Host> in_order(const Plan& plan) const;
    net::Task<std::vector<IpAddress>> addresses_of(Host host);
    net::Task<void> try_host(Host host);
    net::Task<void> try_kept(std::string to);
    net::Task<void> try_peer(Peer peer, std::string to);
    void take_in(const Peer& peer, Attempt& attempt);

    std::shared_ptr<Job> job_;
    Group group_;
    Bytes bytes_;
    bool lmtp_;
    std::string place_;
    std::vector<std::size_t> open_;  // indices into the group
    std::vector<Endpoint> asked_;
    GroupResult result_;
    std::size_t tries_ = 0;
    bool reached_ = false;
    std::optional<Tried> look_up_failed_;
};

}  // namespace sekisho::delivery
