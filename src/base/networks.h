// Many networks, asked whether one of them has an address: as files of prefixes give them.
#pragma once

#include "base/ip.h"

#include <optional>
#include <vector>

namespace sekisho {

class Networks {
  public:
    Networks() = default;
    // In any order; what is within another is left out.
    explicit Networks(std::vector<Prefix> prefixes);

    // The network that has it; log(n).
    [[nodiscard]] std::optional<Prefix> find(const IpAddress& address) const;
    [[nodiscard]] bool contains(const IpAddress& address) const {
        return find(address).has_value();
    }
    [[nodiscard]] bool empty() const { return all_.empty(); }

  private:
    std::vector<Prefix> all_;  // ascending, none within another
};

}  // namespace sekisho
