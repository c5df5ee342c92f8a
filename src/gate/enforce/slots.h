// Which counter belongs to which rule. A rule keeps its slot as long as policies name it, so that
// counters never step back; the slot of a rule that went is given out again only one policy later,
// when no packet can still be counted by the old image.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sekisho::gate {

class Slots {
  public:
    explicit Slots(std::size_t count);

    struct Assignment {
        std::vector<std::uint16_t> of_rule;  // by index of the names
        std::vector<std::uint16_t> fresh;    // to be zeroed before use
    };
    // Slots for a next policy; nothing changes until commit().
    [[nodiscard]] Result<Assignment> assign(const std::vector<std::string>& names) const;
    void commit(const std::vector<std::string>& names, const Assignment& assignment);

    // The rule that holds the slot now, or held it last; empty for slot 0 and unused ones.
    [[nodiscard]] const std::string& rule(std::uint16_t slot) const;

  private:
    std::size_t count_;
    std::map<std::string, std::uint16_t> held_;
    std::vector<std::string> names_;  // by slot
    std::vector<std::uint16_t> free_;
    std::vector<std::uint16_t> leaving_;  // free after the next commit
};

}  // namespace sekisho::gate
