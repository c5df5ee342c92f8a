#include "policy/stages.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "policy/policy.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::policy {
namespace {

// What a rule, or a step of it, is about.
struct Part {
    std::string name;
    std::string to;
    Scope scope;
    bool nothing = false;  // in regions of which the rule is in none
};

Part part_of_rule(const RuleSource& rule) {
    return {rule.name, rule.to, rule.scope};
}

// Both what the rule is about and what its step is.
Part part_of_step(const RuleSource& rule, std::size_t index) {
    const Step& step = rule.steps[index];
    Part out{
        rule.name + "." + std::to_string(index + 1),
        step.to.empty() ? rule.to : step.to,
        {step.scope.regions, std::min(rule.scope.share, step.scope.share)}
    };
    const std::vector<std::string>& of_rule = rule.scope.regions;
    if (out.scope.regions.empty()) {
        out.scope.regions = of_rule;
    } else if (!of_rule.empty()) {
        std::erase_if(out.scope.regions, [&](const std::string& region) {
            return std::find(of_rule.begin(), of_rule.end(), region) == of_rule.end();
        });
        out.nothing = out.scope.regions.empty();
    }
    return out;
}

// Whether nothing of `b` is left where `a` decides.
bool covers(const RuleSource& rule, const Part& a, const Part& b) {
    const auto has = [&a](const std::string& region) {
        return std::find(a.scope.regions.begin(), a.scope.regions.end(), region) !=
               a.scope.regions.end();
    };
    const bool regions = a.scope.regions.empty() ||
                         (!b.scope.regions.empty() &&
                          std::all_of(b.scope.regions.begin(), b.scope.regions.end(), has));
    return b.nothing || (!a.nothing && (a.to == rule.to || a.to == b.to) && regions &&
                         a.scope.share >= b.scope.share);
}

// How many steps have come: they are in order of time.
std::size_t come(const RuleSource& rule, Time now) {
    return static_cast<std::size_t>(std::count_if(
        rule.steps.begin(), rule.steps.end(), [now](const Step& step) { return step.at <= now; }
    ));
}

struct Alive {
    std::vector<std::size_t> steps;  // that decide something now, the latest first
    bool rule = true;                // so does the rule as it was before any step
};

Alive alive(const RuleSource& rule, Time now) {
    Alive out;
    std::vector<Part> later;
    const auto decides = [&](const Part& part) {
        return !part.nothing && std::none_of(later.begin(), later.end(), [&](const Part& one) {
            return covers(rule, one, part);
        });
    };
    for (std::size_t i = come(rule, now); i-- > 0;) {
        Part part = part_of_step(rule, i);
        if (decides(part)) {
            out.steps.push_back(i);
            later.push_back(std::move(part));
        }
    }
    out.rule = decides(part_of_rule(rule));
    return out;
}

}  // namespace

Source at_time(const Source& source, Time now) {
    Source out;
    out.classes = source.classes;
    out.regions = source.regions;
    out.default_class = source.default_class;
    for (const RuleSource& rule : source.rules) {
        const Alive living = alive(rule, now);
        RuleSource whole = rule;
        std::erase_if(whole.steps, [now](const Step& step) { return step.at <= now; });
        for (const std::size_t i : living.steps) {
            const Step& step = rule.steps[i];
            const Part part = part_of_step(rule, i);
            if (covers(rule, part, part_of_rule(rule))) {
                whole.stage = step.stage;  // all of the rule: it keeps its name
                break;
            }
            RuleSource added = whole;
            std::erase_if(added.steps, [&](const Step& one) {
                return part.to != rule.to && !one.to.empty() && one.to != part.to;
            });
            added.name = part.name;
            added.to = part.to;
            added.scope = part.scope;
            added.stage = step.stage;
            added.origin = step.origin.empty() ? rule.origin : step.origin;
            out.rules.push_back(std::move(added));
        }
        out.rules.push_back(std::move(whole));
    }
    return out;
}

std::optional<Time> next_step(const Source& source, Time now) {
    std::optional<Time> next;
    for (const RuleSource& rule : source.rules) {
        for (const Step& step : rule.steps) {
            if (step.at > now && (!next || step.at < *next)) {
                next = step.at;
            }
        }
    }
    return next;
}

Result<std::shared_ptr<const Policy>> compile_at(const Source& source, Time now) {
    return Policy::compile(at_time(source, now));
}

Status check_all(const Source& source) {
    // Before the first step, with the prefixes; it checks what is written in the steps as well.
    if (const auto first = Policy::compile(source); !first) {
        return fail(first.error());
    }
    Source bare = source;
    for (ClassSource& one : bare.classes) {
        one.prefixes.clear();
    }
    for (RegionSource& one : bare.regions) {
        one.prefixes.clear();
    }
    std::set<Time> times;
    for (const RuleSource& rule : source.rules) {
        for (const Step& step : rule.steps) {
            times.insert(step.at);
        }
    }
    for (const Time at : times) {
        if (const auto then = compile_at(bare, at); !then) {
            return fail(then.error().code, "from " + rfc3339(at) + " on: " + then.error().message);
        }
    }
    return {};
}

std::vector<Planned> planned(const Source& source, Time now) {
    std::vector<Planned> out;
    using State = Planned::State;
    for (const RuleSource& rule : source.rules) {
        const Alive living = alive(rule, now);
        const auto add = [&out](
                             const Part& part, std::optional<Time> at, Stage stage, State state
                         ) { out.push_back({part.name, at, part.to, stage, part.scope, state}); };
        add(part_of_rule(rule), std::nullopt, rule.stage, living.rule ? State::Now : State::Past);
        for (std::size_t i = 0; i < rule.steps.size(); ++i) {
            const Step& step = rule.steps[i];
            const bool decides =
                std::find(living.steps.begin(), living.steps.end(), i) != living.steps.end();
            add(part_of_step(rule, i),
                step.at,
                step.stage,
                step.at > now ? State::Coming
                : decides     ? State::Now
                              : State::Past);
        }
    }
    return out;
}

unsigned share_of(std::string_view line) {
    const std::string digest = sha256(line);
    unsigned number = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        number = (number << 8U) | static_cast<unsigned char>(digest[i]);
    }
    return number % 100;
}

Result<Staged> Staged::start(std::shared_ptr<const Source> source, Time now) {
    auto policy = compile_at(*source, now);
    if (!policy) {
        return fail(policy.error());
    }
    Staged out;
    for (const RuleSource& rule : source->rules) {
        out.steps_ += come(rule, now);
    }
    out.source_ = std::move(source);
    out.policy_ = std::move(*policy);
    return out;
}

Result<std::shared_ptr<const Policy>> Staged::follow(Time now) {
    std::size_t steps = 0;
    for (const RuleSource& rule : source_->rules) {
        steps += come(rule, now);
    }
    if (steps == steps_) {
        return std::shared_ptr<const Policy>();
    }
    auto policy = compile_at(*source_, now);
    if (policy) {
        steps_ = steps;
        policy_ = *policy;
    }
    return policy;
}

}  // namespace sekisho::policy
