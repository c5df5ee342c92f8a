// The machine's network interfaces, as the engines and the daemon need to know them.
#pragma once

#include "base/ip.h"

#include <set>
#include <string>
#include <vector>

namespace sekisho::gate {

struct Interface {
    std::string name;
    unsigned index = 0;
    bool up = false;
    bool loopback = false;
};
[[nodiscard]] std::vector<Interface> list_interfaces();

// Every address of the machine but those of lo and of single links.
[[nodiscard]] std::set<IpAddress> own_addresses();

// The driver's name ("veth", "ixgbe"), or empty when the kernel doesn't tell.
[[nodiscard]] std::string driver_of(const std::string& name);

}  // namespace sekisho::gate
