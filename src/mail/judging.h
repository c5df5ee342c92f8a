// Facts about who connects to port 25, from the DNS, for peer::judge().
#pragma once

#include "base/ip.h"
#include "net/resolver.h"
#include "net/task.h"
#include "peer/judge.h"

#include <string>
#include <vector>

namespace sekisho::mail {

// What the DNS says: names of the address, which of them lead back, whether the HELO name does. A
// look-up that fails for now is no evidence.
net::Task<peer::Facts> look_up_peer(net::Resolver* resolver, IpAddress address, std::string helo);

}  // namespace sekisho::mail
