// A policy as the XDP program reads it: the bytes of gate/bpf/layout.h. Pure, so that it is tested
// and measured without a kernel.
#pragma once

#include "gate/bpf/layout.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/image_v6.h"
#include "policy/policy.h"
#include "policy/ranges.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sekisho::gate {

class Image {
  public:
    // `slot_of_rule` by index of policy.rules(); `generation`: of the overrides that go with it.
    Image(
        const policy::Policy& policy,
        std::span<const std::uint16_t> slot_of_rule,
        std::uint32_t generation = 0
    );

    [[nodiscard]] std::size_t chunks() const { return chunks_; }
    // `memory` has chunks() * GATE_CHUNK_SIZE zero bytes.
    void write(std::span<std::byte> memory) const;

    // Actions that the program can't do, and what it does instead.
    [[nodiscard]] const std::vector<Downgrade>& downgrades() const { return downgrades_; }

  private:
    void plan_v4();
    void plan_cells(const policy::Policy& policy, std::span<const std::uint16_t> slot_of_rule);
    std::uint16_t limit_of(const policy::Rate& rate);
    void write_v4(std::span<std::byte> memory) const;
    void write_v6(std::span<std::byte> memory) const;

    std::vector<policy::Range> v4_;  // merged, classes other than 0
    std::vector<bool> mixed_;        // /24s that need a block
    std::size_t blocks_ = 0;
    IndexV6 v6_;
    std::vector<gate_cell> cells_;
    std::vector<gate_limit> limits_;
    std::vector<Downgrade> downgrades_;
    gate_header header_{};
    std::size_t chunks_ = 0;
};

}  // namespace sekisho::gate
