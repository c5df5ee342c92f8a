// The DKIM signatures and the ARC chain of a message that came in: keys from the DNS, bodies hashed
// on a worker.
#pragma once

#include "arc/verify.h"
#include "base/time.h"
#include "dkim/verify.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"

#include <memory>
#include <string>
#include <vector>

namespace sekisho::mail {

struct Vouched {
    std::vector<dkim::Verdict> signatures;  // of the first eight, in the order of their fields
    arc::Verdict chain;
};
// Keys that the DNS hasn't given within `patience`, all together, are temporary failures.
[[nodiscard]] net::Task<Vouched> verify_signatures(
    net::Resolver* resolver,
    net::Workers* workers,
    std::shared_ptr<const std::string> message,
    Time now,
    Duration patience
);

}  // namespace sekisho::mail
