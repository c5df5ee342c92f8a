// The IPv6 part of an image: from the boundaries between classes to search nodes, trees and
// directories of gate/bpf/layout.h. Pure.
#pragma once

#include "gate/bpf/layout.h"
#include "policy/ranges.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sekisho::gate {

// From a number on, up to the next step's: a reference (a class, or where to go on).
using Step = std::pair<std::uint64_t, std::uint32_t>;

class IndexV6 {
  public:
    IndexV6() = default;
    // Sorted and apart, of classes other than 0.
    explicit IndexV6(const std::vector<policy::Range>& ranges);
    // By the high 64 bits alone; `steps` sorted by number, `before` holds up to the first.
    IndexV6(std::span<const Step> steps, std::uint32_t before);

    [[nodiscard]] std::uint32_t root() const { return root_; }
    [[nodiscard]] const std::vector<gate_node>& nodes() const { return nodes_; }
    [[nodiscard]] const std::vector<gate_tree>& trees() const { return trees_; }
    [[nodiscard]] const std::vector<gate_directory>& directories() const { return directories_; }
    [[nodiscard]] const std::vector<std::uint32_t>& entries() const { return entries_; }

  private:
    std::uint32_t place(std::span<const Step> steps, std::uint32_t before, int level);
    std::uint32_t add_tree(std::span<const Step> steps, std::uint32_t before);
    std::uint32_t add_directory(std::span<const Step> steps, std::uint32_t before, int level);

    std::uint32_t root_ = 0;
    std::vector<gate_node> nodes_;
    std::vector<gate_tree> trees_;
    std::vector<gate_directory> directories_;
    std::vector<std::uint32_t> entries_;
};

}  // namespace sekisho::gate
