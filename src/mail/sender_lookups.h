// What the DNS says for and against who sends a message: names, lists, SPF, DMARC. The questions
// are those of pure rooms; this room looks them up. Everything ends at its deadline; what isn't
// known then is a temporary error, or no evidence.
#pragma once

#include "base/ip.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "net/resolver.h"
#include "net/task.h"
#include "peer/judge.h"
#include "spf/check.h"

#include <chrono>
#include <string>
#include <vector>

namespace sekisho::mail {

// Whom to ask, where to go on, and until when.
struct Dns {
    net::Resolver* resolver = nullptr;
    net::Executor executor;
    std::chrono::steady_clock::time_point deadline;
};

struct PeerQuestion {
    IpAddress address;
    std::string helo;
    std::vector<config::DnsList> block_lists, known_lists;
    bool names = true;         // the names of the address
    bool helo_address = true;  // where the HELO name leads
};

// Names of the address, which of them lead back, whether the HELO name does, and what lists it is
// on.
net::Task<peer::Facts> look_up_peer(Dns dns, PeerQuestion question);

net::Task<spf::Outcome> look_up_spf(Dns dns, spf::Query query);
net::Task<dmarc::Outcome> look_up_dmarc(Dns dns, dmarc::Input input);

// The domain that an SPF outcome counts for with peer::judge(): empty unless it passes, and by more
// than a record that lets everybody send.
[[nodiscard]] std::string spf_domain(const spf::Outcome& outcome);

}  // namespace sekisho::mail
