#include "policy/split.h"

#include "base/ip.h"
#include "base/result.h"
#include "policy/check.h"
#include "policy/policy.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::policy {

class Splitter {
  public:
    Splitter(const Source& source, const Checked& checked) : source_(source), checked_(checked) {
        out_.classes = checked.classes;
    }

    Result<Split> run() {
        for (const Class& whole : checked_.classes) {
            if (Status parted = part(whole); !parted) {
                return fail(parted.error());
            }
        }
        if (by_region_.empty()) {
            out_.prefixes = checked_.prefixes;
        } else {
            for (Class& one : out_.classes) {
                one.prefixes = 0;
            }
            sweep();
        }
        return std::move(out_);
    }

  private:
    // Parts are made region by region, and in each share by share; what is in no region and beyond
    // every share stays the class that was written.
    Status part(const Class& whole) {
        std::set<std::string> regions;
        std::set<unsigned> shares;
        for (const RuleSource& rule : source_.rules) {
            if (rule.from == kAny || rule.from == whole.name) {
                regions.insert(rule.scope.regions.begin(), rule.scope.regions.end());
                shares.insert(rule.scope.share);
            }
        }
        shares.insert(100);
        if (regions.empty() && shares.size() == 1) {
            return {};
        }
        if (!regions.empty()) {
            by_region_[whole.id] = regions;
        }
        regions.insert("");
        for (const std::string& region : regions) {
            unsigned from = 0;
            for (const unsigned to : shares) {
                const bool rest = region.empty() && to == 100;
                if (rest) {
                    out_.classes[whole.id].band_from = from;
                } else if (Status added = add(whole, region, from, to); !added) {
                    return added;
                }
                out_.parts.parts_[whole.id].push_back(
                    {region, to, rest ? whole.id : out_.classes.back().id}
                );
                from = to;
            }
        }
        return {};
    }

    Status add(const Class& whole, const std::string& region, unsigned from, unsigned to) {
        std::string name = whole.name + (region.empty() ? "" : "." + region) +
                           (to == 100 ? std::string() : ".first" + std::to_string(to));
        if (out_.classes.size() == kClassesMax) {
            return fail(
                Errc::Full,
                "regions and shares of lines in the rules part the classes into more than " +
                    std::to_string(kClassesMax) + "; the one too many would be \"" + name + "\""
            );
        }
        const bool taken =
            std::any_of(out_.classes.begin(), out_.classes.end(), [&](const Class& one) {
                return one.name == name;
            });
        if (taken) {
            return fail(
                Errc::Conflict,
                "class \"" + name + "\" has the name that the part of class \"" + whole.name +
                    "\" would have, which the rules ask for; give it another"
            );
        }
        Class made = whole;
        made.id = static_cast<ClassId>(out_.classes.size());
        made.base = whole.id;
        made.name = std::move(name);
        made.region = region;
        made.band_from = from;
        made.band_to = to;
        out_.classes.push_back(std::move(made));
        return {};
    }

    // The prefixes of classes and of regions in one order: each has its innermost class and region
    // around it.
    void sweep() {
        std::vector<std::pair<Prefix, ClassId>> classes;
        std::vector<std::pair<Prefix, ClassId>> regions;
        auto prefix = checked_.prefixes.begin();
        auto region = checked_.regions.begin();
        while (prefix != checked_.prefixes.end() || region != checked_.regions.end()) {
            const bool class_next =
                region == checked_.regions.end() ||
                (prefix != checked_.prefixes.end() && prefix->first <= region->first);
            const bool region_next =
                prefix == checked_.prefixes.end() ||
                (region != checked_.regions.end() && region->first <= prefix->first);
            const Prefix here = class_next ? prefix->first : region->first;
            leave(classes, here);
            leave(regions, here);
            if (class_next) {
                classes.push_back(*prefix++);
            }
            if (region_next) {
                regions.push_back(*region++);
            }
            const ClassId base = classes.empty() ? ClassId{0} : classes.back().second;
            if (class_next || by_region_.contains(base)) {
                give(
                    here, base, regions.empty() ? "" : source_.regions[regions.back().second].name
                );
            }
        }
    }

    static void leave(std::vector<std::pair<Prefix, ClassId>>& open, const Prefix& here) {
        while (!open.empty() && !open.back().first.contains(here)) {
            open.pop_back();
        }
    }

    void give(const Prefix& prefix, ClassId base, const std::string& region) {
        const ClassId id = out_.parts.find(base, region, kNoShare);
        ++out_.classes[id].prefixes;
        out_.prefixes.emplace_back(prefix, id);
    }

    const Source& source_;
    const Checked& checked_;
    std::map<ClassId, std::set<std::string>> by_region_;  // of which regions it has parts
    Split out_;
};

ClassId Parts::find(ClassId base, const std::string& region, unsigned share) const {
    const auto parts = parts_.find(base);
    if (parts == parts_.end()) {
        return base;
    }
    const auto in = [&](const std::string& wanted) {
        return std::find_if(parts->second.begin(), parts->second.end(), [&](const Part& one) {
            return one.region == wanted && share < one.band_to;
        });
    };
    auto found = in(region);
    if (found == parts->second.end()) {
        found = in("");  // a region that no rule about this class names
    }
    return found->id;
}

Result<Split> split(const Source& source, const Checked& checked) {
    return Splitter(source, checked).run();
}

bool is_from(const RuleSource& rule, const Class& client, const std::vector<Class>& classes) {
    const std::vector<std::string>& regions = rule.scope.regions;
    return (rule.from == kAny || rule.from == classes[client.base].name) &&
           (regions.empty() ||
            std::find(regions.begin(), regions.end(), client.region) != regions.end()) &&
           client.band_to <= rule.scope.share;
}

bool is_to(const RuleSource& rule, const Class& server, const std::vector<Class>& classes) {
    return rule.to == kAny || rule.to == classes[server.base].name;
}

}  // namespace sekisho::policy
