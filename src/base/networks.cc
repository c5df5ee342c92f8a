#include "base/networks.h"

#include "base/ip.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace sekisho {

Networks::Networks(std::vector<Prefix> prefixes) {
    // A wide one comes before those within it.
    std::ranges::sort(prefixes);
    for (Prefix& one : prefixes) {
        if (all_.empty() || !all_.back().contains(one)) {
            all_.push_back(std::move(one));
        }
    }
}

std::optional<Prefix> Networks::find(const IpAddress& address) const {
    const auto after = std::ranges::upper_bound(all_, address, {}, &Prefix::address);
    if (after == all_.begin() || !std::prev(after)->contains(address)) {
        return std::nullopt;
    }
    return *std::prev(after);
}

}  // namespace sekisho
