// Classes in parts, where rules are about regions or shares of their lines: data planes know
// classes and nothing else. Private to the room.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "policy/check.h"
#include "policy/policy.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::policy {

class Parts {
  public:
    // The class that is the part of `base` in the region (empty: in none that matters) for the
    // lines of this share.
    [[nodiscard]] ClassId find(ClassId base, const std::string& region, unsigned share) const;
    [[nodiscard]] bool any() const { return !parts_.empty(); }

  private:
    friend class Splitter;
    struct Part {
        std::string region;
        unsigned band_to;
        ClassId id;
    };
    std::map<ClassId, std::vector<Part>> parts_;  // of split classes, by band_to
};

struct Split {
    std::vector<Class> classes;
    std::vector<std::pair<Prefix, ClassId>> prefixes;
    Parts parts;
};

// Adds the parts that the rules ask for, and gives every prefix to the part of its region; a region
// inside of a prefix becomes a prefix. Full when there would be more classes than kClassesMax.
[[nodiscard]] Result<Split> split(const Source& source, const Checked& checked);

// Whether the rule is about connections from this class, which may be a part of the one it names.
[[nodiscard]] bool is_from(
    const RuleSource& rule, const Class& client, const std::vector<Class>& classes
);
[[nodiscard]] bool is_to(
    const RuleSource& rule, const Class& server, const std::vector<Class>& classes
);

}  // namespace sekisho::policy
