#include "policy/difference.h"

#include "base/ip.h"
#include "base/time.h"
#include "policy/policy.h"
#include "policy/ranges.h"
#include "policy/stages.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::policy {
namespace {

constexpr std::size_t kShown = 5;  // prefixes or ranges named of many

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

std::string some(const std::vector<std::string>& all) {
    std::string out;
    for (std::size_t i = 0; i < all.size() && i < kShown; ++i) {
        out += (i == 0 ? "" : ", ") + all[i];
    }
    return all.size() > kShown ? out + " and " + std::to_string(all.size() - kShown) + " more"
                               : out;
}

std::string prefixes(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " prefix" : " prefixes");
}

template <class Named>
std::map<std::string, const Named*> by_name(const std::vector<Named>& all) {
    std::map<std::string, const Named*> out;
    for (const Named& one : all) {
        out.emplace(one.name, &one);
    }
    return out;
}

std::vector<std::string> less(std::vector<Prefix> all, std::vector<Prefix> taken) {
    std::sort(all.begin(), all.end());
    std::sort(taken.begin(), taken.end());
    std::vector<Prefix> left;
    std::set_difference(
        all.begin(), all.end(), taken.begin(), taken.end(), std::back_inserter(left)
    );
    std::vector<std::string> out;
    out.reserve(left.size());
    for (const Prefix& prefix : left) {
        out.push_back(prefix.text());
    }
    return out;
}

// Classes or regions: what has prefixes and a note.
template <class Named>
void compare_networks(
    const std::string& what,
    const std::vector<Named>& before,
    const std::vector<Named>& after,
    std::vector<std::string>& out
) {
    const auto old = by_name(before);
    const auto fresh = by_name(after);
    for (const auto& [name, one] : old) {
        if (!fresh.contains(name)) {
            out.push_back("- " + what + " " + quoted(name) + ", " + prefixes(one->prefixes.size()));
        }
    }
    for (const auto& [name, one] : fresh) {
        const auto known = old.find(name);
        if (known == old.end()) {
            out.push_back("+ " + what + " " + quoted(name) + ", " + prefixes(one->prefixes.size()));
            continue;
        }
        const auto gone = less(known->second->prefixes, one->prefixes);
        const auto come = less(one->prefixes, known->second->prefixes);
        if (!gone.empty()) {
            out.push_back(
                "~ " + what + " " + quoted(name) + ": without " + prefixes(gone.size()) + ": " +
                some(gone)
            );
        }
        if (!come.empty()) {
            out.push_back(
                "~ " + what + " " + quoted(name) + ": with " + prefixes(come.size()) + ": " +
                some(come)
            );
        }
        if (known->second->note != one->note) {
            out.push_back("~ " + what + " " + quoted(name) + ": another note");
        }
    }
}

std::string step_text(const Step& step) {
    return std::string(name(step.stage)) + " from " + rfc3339(step.at) +
           (step.to.empty() ? "" : " to " + step.to) +
           (step.scope.all() ? "" : " for " + step.scope.text());
}

void compare_steps(const RuleSource& a, const RuleSource& b, std::vector<std::string>& out) {
    const auto texts = [](const RuleSource& rule) {
        std::vector<std::string> all;
        for (const Step& step : rule.steps) {
            all.push_back(step_text(step));
        }
        return all;
    };
    const auto old = texts(a);
    const auto fresh = texts(b);
    const auto told = [&](const auto& from, const auto& without, const std::string& sign) {
        for (const std::string& step : from) {
            if (std::find(without.begin(), without.end(), step) == without.end()) {
                out.push_back(sign + " rule " + quoted(a.name) + ": step " + step);
            }
        }
    };
    told(old, fresh, "-");
    told(fresh, old, "+");
}

void compare_rule(const RuleSource& a, const RuleSource& b, std::vector<std::string>& out) {
    const auto field = [&](const std::string& what, const std::string& x, const std::string& y) {
        if (x != y) {
            out.push_back("~ rule " + quoted(a.name) + ": " + what + " " + x + " -> " + y);
        }
    };
    field("from", a.from, b.from);
    field("to", a.to, b.to);
    field("action", std::string(name(a.action)), std::string(name(b.action)));
    field("rate", a.rate.text(), b.rate.text());
    field("stage", std::string(name(a.stage)), std::string(name(b.stage)));
    field("for", a.scope.text(), b.scope.text());
    compare_steps(a, b, out);
    if (a.note != b.note) {
        out.push_back("~ rule " + quoted(a.name) + ": another note");
    }
}

void compare_rules(const Source& before, const Source& after, std::vector<std::string>& out) {
    const auto old = by_name(before.rules);
    const auto fresh = by_name(after.rules);
    const auto told = [](const RuleSource& rule) {
        return "rule " + quoted(rule.name) + ": " + rule.from + " to " + rule.to + ", " +
               std::string(name(rule.action)) + ", stage " + std::string(name(rule.stage));
    };
    std::vector<std::string> order_before, order_after;  // of those in both
    for (const RuleSource& rule : before.rules) {
        const auto still = fresh.find(rule.name);
        if (still == fresh.end()) {
            out.push_back("- " + told(rule));
            continue;
        }
        order_before.push_back(rule.name);
        compare_rule(rule, *still->second, out);
    }
    for (const RuleSource& rule : after.rules) {
        if (old.contains(rule.name)) {
            order_after.push_back(rule.name);
        } else {
            out.push_back("+ " + told(rule));
        }
    }
    if (order_before != order_after) {
        out.emplace_back("~ the rules are in another order");
    }
}

// Every address at which one of the policies begins another range, once; (is IPv6, address).
std::vector<std::pair<bool, Number>> starts(const Policy& a, const Policy& b) {
    std::set<std::pair<bool, Number>> all{{true, Number{}}, {false, Number{}}};
    for (const Policy* policy : {&a, &b}) {
        for_each_range(policy->prefixes(), [&](const Range& range) {
            all.emplace(!range.v4, range.first);
            const Number after = next(range.last);
            if (after != Number{} && !(range.v4 && after.low > 0xffffffffU)) {
                all.emplace(!range.v4, after);
            }
        });
    }
    return {all.begin(), all.end()};
}

std::string verdict_text(const Verdict& verdict) {
    return verdict.would_block() ? "pass, reported" : std::string(name(verdict.action));
}

struct Effect {
    std::vector<Range> ranges;
    unsigned long long v4_addresses = 0;

    void add(const Range& range) {
        if (range.v4) {
            v4_addresses += range.last.low - range.first.low + 1;
        }
        if (!ranges.empty() && ranges.back().v4 == range.v4 &&
            next(ranges.back().last) == range.first) {
            ranges.back().last = range.last;
        } else {
            ranges.push_back(range);
        }
    }
    [[nodiscard]] std::string text() const {
        std::vector<std::string> out;
        out.reserve(ranges.size());
        for (const Range& range : ranges) {
            out.push_back(range_text(range));
        }
        return std::to_string(v4_addresses) + " IPv4 addresses; " + some(out);
    }
};

// By where to, from which verdict, to which.
using Effects = std::map<std::pair<std::string, std::string>, Effect>;

class Comparison {
  public:
    Comparison(const Policy& before, const Policy& after) : before_(before), after_(after) {
        for (const Class& one : before.classes()) {
            const Class* same = after.find_class(one.name);
            if (one.base == one.id && same != nullptr && same->base == same->id) {
                servers_.emplace_back(one.id, same->id);
            }
        }
    }

    Effects run() {
        const auto all = starts(before_, after_);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto& [v6, first] = all[i];
            const bool last = i + 1 == all.size() || all[i + 1].first != v6;
            const Number end = !last ? previous(all[i + 1].second)
                               : v6  ? Number{~0ULL, ~0ULL}
                                     : Number{0, 0xffffffffU};
            compare({first, end, !v6, 0, 0});
        }
        return std::move(out_);
    }

  private:
    void compare(const Range& range) {
        const auto address = IpAddress::parse(number_text(range.v4, range.first));
        if (!address || address->is_v4() != range.v4) {
            return;  // ::ffff:0:0/96 is the IPv4 space again
        }
        const ClassId old = before_.classify(*address);
        const ClassId fresh = after_.classify(*address);
        const auto cell = cells_.find({old, fresh});
        const auto& changes =
            cell != cells_.end()
                ? cell->second
                : cells_.emplace(std::pair(old, fresh), changes_of(old, fresh)).first->second;
        for (const auto& change : changes) {
            out_[change].add(range);
        }
    }

    // To which classes the verdict changes for an address that was in `old`, and how.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> changes_of(
        ClassId old, ClassId fresh
    ) const {
        std::map<std::string, std::vector<std::string>> servers;
        for (const auto& [server, same] : servers_) {
            const std::string was = verdict_text(before_.cell(old, server));
            const std::string is = verdict_text(after_.cell(fresh, same));
            if (was != is) {
                servers[was + " -> " + is].push_back(quoted(before_.classes()[server].name));
            }
        }
        std::vector<std::pair<std::string, std::string>> out;
        for (const auto& [change, names] : servers) {
            out.emplace_back(names.size() == servers_.size() ? "every class" : some(names), change);
        }
        return out;
    }

    const Policy& before_;
    const Policy& after_;
    std::vector<std::pair<ClassId, ClassId>> servers_;
    std::map<std::pair<ClassId, ClassId>, std::vector<std::pair<std::string, std::string>>> cells_;
    Effects out_;
};

}  // namespace

std::vector<std::string> difference(const Source& before, const Source& after, Time now) {
    std::vector<std::string> out;
    compare_networks("class", before.classes, after.classes, out);
    compare_networks("region", before.regions, after.regions, out);
    compare_rules(before, after, out);
    const auto old = compile_at(before, now);
    const auto fresh = compile_at(after, now);
    if (out.empty() || !old || !fresh) {
        return out;
    }
    for (const auto& [change, effect] : Comparison(**old, **fresh).run()) {
        out.push_back(
            "to port 25 of " + change.first + ": " + change.second + " for " + effect.text()
        );
    }
    return out;
}

}  // namespace sekisho::policy
