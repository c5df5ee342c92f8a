#include "policy/check.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "policy/policy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::policy {
namespace {

constexpr std::size_t kNameMax = 64;

// Names stand in counters, metrics and rule sets of other programs, so they are plain words.
bool is_name(std::string_view text) {
    const auto alnum = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !text.empty() && text.size() <= kNameMax && alnum(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return alnum(c) || c == '-' || c == '_' || c == '.';
           });
}

std::string at(const std::string& origin) {
    return origin.empty() ? std::string() : origin + ": ";
}

std::string also_at(const std::string& origin) {
    return origin.empty() ? std::string() : " (" + origin + ")";
}

// Classes, regions and rules each have names of their own: usable ones, and each once.
class Names {
  public:
    explicit Names(std::string what) : what_(std::move(what)) {}

    Status take(const std::string& name, const std::string& origin) {
        if (!is_name(name)) {
            return fail(
                Errc::Invalid,
                at(origin) + what_ + " name \"" + printable(name, kNameMax) +
                    "\" must be 1 to 64 letters, digits, '-', '_' or '.', starting with a letter "
                    "or digit"
            );
        }
        const auto [earlier, fresh] = origins_.emplace(name, origin);
        if (!fresh) {
            return fail(
                Errc::Conflict,
                at(origin) + what_ + " \"" + name + "\" is declared already" +
                    also_at(earlier->second)
            );
        }
        return {};
    }
    [[nodiscard]] bool has(const std::string& name) const { return origins_.contains(name); }

  private:
    std::string what_;
    std::map<std::string, std::string> origins_;
};

struct Classes {
    std::vector<Class> classes;
    std::vector<ClassId> ids;  // of source.classes[i]
};

Result<Classes> check_classes(const Source& source) {
    if (!is_name(source.default_class)) {
        return fail(
            Errc::Invalid, "default class \"" + source.default_class + "\" is not a usable name"
        );
    }
    Classes out;
    out.classes.push_back(Class{.id = 0, .name = source.default_class, .note = "", .region = ""});
    Names names("class");
    for (const ClassSource& c : source.classes) {
        if (Status fine = names.take(c.name, c.origin); !fine) {
            return fail(fine.error());
        }
        if (c.name == source.default_class) {
            out.classes.front().note = c.note;
            out.ids.push_back(0);
            continue;
        }
        if (out.classes.size() == kClassesMax) {
            return fail(
                Errc::Full,
                at(c.origin) + "class \"" + c.name + "\" is one too many: there can be " +
                    std::to_string(kClassesMax) + " with the default class"
            );
        }
        const auto id = static_cast<ClassId>(out.classes.size());
        out.classes.push_back(
            Class{.id = id, .name = c.name, .note = c.note, .base = id, .region = ""}
        );
        out.ids.push_back(id);
    }
    return out;
}

// Each prefix once, with the index of who names it; the same prefix of two is an error.
template <class Named>
Result<std::vector<std::pair<Prefix, ClassId>>> check_prefixes(
    const std::vector<Named>& all, const std::string& what
) {
    std::vector<std::pair<Prefix, ClassId>> entries;
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (const Prefix& prefix : all[i].prefixes) {
            entries.emplace_back(prefix, static_cast<ClassId>(i));
        }
    }
    std::sort(entries.begin(), entries.end());
    entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
    for (std::size_t i = 1; i < entries.size(); ++i) {
        if (entries[i - 1].first != entries[i].first) {
            continue;
        }
        const Named& first = all[entries[i - 1].second];
        const Named& second = all[entries[i].second];
        return fail(
            Errc::Conflict,
            at(second.origin) + entries[i].first.text() + " is in " + what + " \"" + second.name +
                "\" and in " + what + " \"" + first.name + "\"" + also_at(first.origin) +
                "; an address belongs to one " + what
        );
    }
    return entries;
}

class Rules {
  public:
    Rules(const Source& source, const std::vector<Class>& classes)
        : source_(source), classes_(classes) {}

    Status check() {
        if (source_.rules.size() > kRulesMax) {
            return fail(
                Errc::Full,
                at(source_.rules[kRulesMax].origin) + "more than " + std::to_string(kRulesMax) +
                    " rules"
            );
        }
        if (source_.regions.size() > kRegionsMax) {
            return fail(
                Errc::Full,
                at(source_.regions[kRegionsMax].origin) + "more than " +
                    std::to_string(kRegionsMax) + " regions"
            );
        }
        for (const RegionSource& region : source_.regions) {
            if (Status fine = regions_.take(region.name, region.origin); !fine) {
                return fine;
            }
        }
        for (const RuleSource& rule : source_.rules) {
            if (Status fine = names_.take(rule.name, rule.origin); !fine) {
                return fine;
            }
            if (Status fine = check_rule(rule); !fine) {
                return fine;
            }
        }
        return {};
    }

  private:
    Status check_rule(const RuleSource& rule) {
        if (Status fine = check_rate(rule); !fine) {
            return fine;
        }
        for (const std::string& wanted : {rule.from, rule.to}) {
            if (Status fine = check_class(rule, wanted, rule.origin); !fine) {
                return fine;
            }
        }
        if (Status fine = check_scope(rule, rule.scope, rule.origin); !fine) {
            return fine;
        }
        return check_steps(rule);
    }

    Status check_rate(const RuleSource& rule) {
        if ((rule.action == Action::Limit) != (rule.rate.connections > 0)) {
            return fail(
                Errc::Invalid,
                at(rule.origin) + "rule \"" + rule.name +
                    (rule.rate.connections > 0
                         ? "\" has a rate, which only the action limit takes"
                         : "\": the action limit needs a rate, such as \"30/1h\"")
            );
        }
        if (rule.rate.connections > 0) {
            rates_.insert(rule.rate.text());
            if (rates_.size() > kRatesMax) {
                return fail(
                    Errc::Full,
                    at(rule.origin) + "more than " + std::to_string(kRatesMax) + " different rates"
                );
            }
        }
        return {};
    }

    [[nodiscard]] Status check_class(
        const RuleSource& rule, const std::string& wanted, const std::string& origin
    ) const {
        const bool known =
            wanted == kAny || std::any_of(classes_.begin(), classes_.end(), [&](const Class& c) {
                return c.name == wanted;
            });
        return known ? Status()
                     : fail(
                           Errc::NotFound,
                           at(origin) + "rule \"" + rule.name + "\" names class \"" +
                               printable(wanted, kNameMax) + "\", which is not declared"
                       );
    }

    [[nodiscard]] Status check_scope(
        const RuleSource& rule, const Scope& scope, const std::string& origin
    ) const {
        for (const std::string& wanted : scope.regions) {
            if (!regions_.has(wanted)) {
                return fail(
                    Errc::NotFound,
                    at(origin) + "rule \"" + rule.name + "\" names region \"" +
                        printable(wanted, kNameMax) + "\", which is not declared"
                );
            }
        }
        if (scope.share < 1 || scope.share > 100) {
            return fail(
                Errc::Invalid,
                at(origin) + "rule \"" + rule.name + "\": a share is 1 to 100 percent of the lines"
            );
        }
        return {};
    }

    // A step is about a part of its rule: a class the rule doesn't name would make it another rule.
    Status check_steps(const RuleSource& rule) {
        for (std::size_t i = 0; i < rule.steps.size(); ++i) {
            const Step& step = rule.steps[i];
            if (Status fine = check_scope(rule, step.scope, step.origin); !fine) {
                return fine;
            }
            if (!step.to.empty()) {
                if (Status fine = check_class(rule, step.to, step.origin); !fine) {
                    return fine;
                }
                if (rule.to != kAny && step.to != rule.to) {
                    return fail(
                        Errc::Invalid,
                        at(step.origin) + "rule \"" + rule.name + "\" is about connections to \"" +
                            rule.to + "\", a step of it can't be about those to \"" + step.to + "\""
                    );
                }
            }
            if (i > 0 && step.at < rule.steps[i - 1].at) {
                return fail(
                    Errc::Invalid,
                    at(step.origin) + "rule \"" + rule.name +
                        "\": a step comes before the one written above it; write them in order"
                );
            }
        }
        return {};
    }

    const Source& source_;
    const std::vector<Class>& classes_;
    Names names_{"rule"}, regions_{"region"};
    std::set<std::string> rates_;
};

}  // namespace

Result<Checked> check(const Source& source) {
    auto classes = check_classes(source);
    if (!classes) {
        return fail(classes.error());
    }
    if (const Status rules = Rules(source, classes->classes).check(); !rules) {
        return fail(rules.error());
    }
    const auto prefixes = check_prefixes(source.classes, "class");
    if (!prefixes) {
        return fail(prefixes.error());
    }
    auto regions = check_prefixes(source.regions, "region");
    if (!regions) {
        return fail(regions.error());
    }
    Checked out{std::move(classes->classes), {}, std::move(*regions)};
    out.prefixes.reserve(prefixes->size());
    for (const auto& [prefix, from] : *prefixes) {
        const ClassId id = classes->ids[from];
        ++out.classes[id].prefixes;
        out.prefixes.emplace_back(prefix, id);
    }
    return out;
}

}  // namespace sekisho::policy
