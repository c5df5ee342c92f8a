// What is wrong with a source, and what it comes to: classes with their ids, each prefix once.
// Private to the room.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "policy/policy.h"

#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::policy {

inline constexpr std::string_view kAny = "*";  // every class, in a rule

struct Checked {
    std::vector<Class> classes;                        // by id
    std::vector<std::pair<Prefix, ClassId>> prefixes;  // sorted
    // Sorted; the number is an index of source.regions.
    std::vector<std::pair<Prefix, ClassId>> regions;
};
[[nodiscard]] Result<Checked> check(const Source& source);

}  // namespace sekisho::policy
