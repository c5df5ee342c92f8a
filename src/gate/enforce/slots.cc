#include "gate/enforce/slots.h"

#include "base/assert.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {

Slots::Slots(std::size_t count) : count_(count), names_(count) {
    SEKISHO_ASSERT(count >= 1 && count <= 65536);
    for (std::size_t slot = count; slot-- > 1;) {  // slot 0 is for what no rule names
        free_.push_back(static_cast<std::uint16_t>(slot));
    }
}

Result<Slots::Assignment> Slots::assign(const std::vector<std::string>& names) const {
    Assignment out;
    std::size_t taken = 0;
    for (const std::string& name : names) {
        const auto held = held_.find(name);
        if (held != held_.end()) {
            out.of_rule.push_back(held->second);
            continue;
        }
        if (taken == free_.size()) {
            return fail(
                Errc::Full,
                "no free counter for rule \"" + name + "\": all " + std::to_string(count_ - 1) +
                    " are taken"
            );
        }
        const std::uint16_t slot = free_[free_.size() - 1 - taken++];
        out.of_rule.push_back(slot);
        out.fresh.push_back(slot);
    }
    return out;
}

void Slots::commit(const std::vector<std::string>& names, const Assignment& assignment) {
    SEKISHO_ASSERT(names.size() == assignment.of_rule.size());
    free_.resize(free_.size() - assignment.fresh.size());
    free_.insert(free_.begin(), leaving_.begin(), leaving_.end());
    leaving_.clear();
    std::map<std::string, std::uint16_t> held;
    for (std::size_t i = 0; i < names.size(); ++i) {
        held.emplace(names[i], assignment.of_rule[i]);
        names_[assignment.of_rule[i]] = names[i];
    }
    for (const auto& [name, slot] : held_) {
        if (!held.contains(name)) {
            leaving_.push_back(slot);
        }
    }
    held_ = std::move(held);
}

const std::string& Slots::rule(std::uint16_t slot) const {
    return names_.at(slot);
}

}  // namespace sekisho::gate
