// The overrides in the maps of the XDP program: one generation in force, changed one by one; the
// other made ready for the next policy.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/engine.h"
#include "policy/overlay.h"

#include <cstdint>
#include <vector>

namespace sekisho::gate {

class XdpOverrides {
  public:
    // The file descriptors of the maps `overrides` and `override_lengths`, which outlive it.
    XdpOverrides(int entries, int lengths) : entries_(entries), lengths_(lengths) {}

    // What the next policy's image names.
    [[nodiscard]] std::uint32_t next_generation() const { return 1 - generation_; }
    // Fills the next generation; what was counted so far goes along.
    Status prepare(const std::vector<policy::Override>& overrides);
    // The generation prepared is in force now, and the other is emptied.
    void commit();
    // Changes the generation in force. On an error the old ones are, but perhaps for some.
    Status change(const std::vector<policy::Override>& overrides);
    [[nodiscard]] Result<std::vector<OverrideCount>> counts() const;

  private:
    using Entries = std::vector<policy::Override>;  // by prefix
    Status put(std::uint32_t generation, const policy::Override& one, std::uint64_t connections);
    Status erase(std::uint32_t generation, const Prefix& prefix);
    Status announce(std::uint32_t generation, const gate_override_lengths& lengths);
    Status change(const Entries& come, const Entries& go, const Entries& wanted);
    Status empty(std::uint32_t generation);
    [[nodiscard]] std::uint64_t connections(std::uint32_t generation, const Prefix& prefix) const;

    int entries_, lengths_;
    std::uint32_t generation_ = 0;
    Entries current_, prepared_;
    bool doubtful_ = false;  // a change stopped half-way: the maps may differ from current_
};

}  // namespace sekisho::gate
