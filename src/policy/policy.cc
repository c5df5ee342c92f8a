#include "policy/policy.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "policy/ranges.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::policy {
namespace {

constexpr std::array<std::string_view, 6> kActions{
    "pass", "count", "limit", "refuse", "drop", "answer"
};
constexpr std::array<std::string_view, 3> kStages{"observe", "notify", "enforce"};
constexpr std::size_t kNameMax = 64;
constexpr std::string_view kAny = "*";

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

// Disjoint ranges as sorted starts, each with the index of its prefix, or -1 in the gaps.
template <class Key>
class Starts {
  public:
    void add(Key first, std::int32_t owner) {
        starts_.push_back(first);
        owners_.push_back(owner);
    }
    [[nodiscard]] std::int32_t find(const Key& key) const {
        const auto after = std::upper_bound(starts_.begin(), starts_.end(), key);
        return after == starts_.begin()
                   ? -1
                   : owners_[static_cast<std::size_t>(std::distance(starts_.begin(), after)) - 1];
    }

  private:
    std::vector<Key> starts_;
    std::vector<std::int32_t> owners_;
};

// Address to prefix; shared between policies that differ only in their rules.
class Table {
  public:
    explicit Table(std::vector<std::pair<Prefix, ClassId>> sorted) : prefixes_(std::move(sorted)) {
        bool started = false;
        bool v4 = true;
        Number expected{};
        const auto add = [this](bool is_v4, Number first, std::int32_t owner) {
            if (is_v4) {
                v4_.add(static_cast<std::uint32_t>(first.low), owner);
            } else {
                v6_.add(first, owner);
            }
        };
        const auto end_gap = [&] {
            const bool at_the_end =
                v4 ? expected.low > 0xffffffffU : expected == Number{};  // nothing lies beyond
            if (started && !at_the_end) {
                add(v4, expected, -1);
            }
        };
        for_each_range(prefixes_, [&](const Range& range) {
            if (started && (v4 != range.v4 || expected != range.first)) {
                end_gap();
            }
            add(range.v4, range.first, static_cast<std::int32_t>(range.prefix));
            started = true;
            v4 = range.v4;
            expected = next(range.last);
        });
        end_gap();
    }

    [[nodiscard]] const std::pair<Prefix, ClassId>* find(const IpAddress& address) const {
        const std::int32_t owner =
            address.is_v4() ? v4_.find(address.to_v4()) : v6_.find(to_number(address));
        return owner < 0 ? nullptr : &prefixes_[static_cast<std::size_t>(owner)];
    }
    [[nodiscard]] const std::vector<std::pair<Prefix, ClassId>>& prefixes() const {
        return prefixes_;
    }

  private:
    std::vector<std::pair<Prefix, ClassId>> prefixes_;
    Starts<std::uint32_t> v4_;
    Starts<Number> v6_;
};

class Compiled final : public Policy {
  public:
    Compiled(
        std::vector<Class> classes,
        std::vector<RuleSource> rules,
        std::shared_ptr<const Table> table
    )
        : classes_(std::move(classes)), rules_(std::move(rules)), table_(std::move(table)) {
        cells_.assign(classes_.size() * classes_.size(), -1);
        // From the last rule to the first, so that the first that names a pair stays.
        for (std::size_t i = rules_.size(); i-- > 0;) {
            for (const Class& client : classes_) {
                for (const Class& server : classes_) {
                    if ((rules_[i].from == kAny || rules_[i].from == client.name) &&
                        (rules_[i].to == kAny || rules_[i].to == server.name)) {
                        cells_[index(client.id, server.id)] = static_cast<std::int16_t>(i);
                    }
                }
            }
        }
        digest_ = compute_digest();
    }

    [[nodiscard]] ClassId classify(const IpAddress& address) const override {
        const auto* found = table_->find(address);
        return found == nullptr ? ClassId{0} : found->second;
    }
    [[nodiscard]] std::optional<Prefix> matched(const IpAddress& address) const override {
        const auto* found = table_->find(address);
        return found == nullptr ? std::nullopt : std::optional(found->first);
    }
    [[nodiscard]] Verdict cell(ClassId client, ClassId server) const override {
        SEKISHO_ASSERT(client < classes_.size() && server < classes_.size());
        Verdict verdict;
        verdict.client = client;
        verdict.server = server;
        verdict.rule = cells_[index(client, server)];
        if (verdict.rule >= 0) {
            const RuleSource& rule = rules_[static_cast<std::size_t>(verdict.rule)];
            verdict.declared = rule.action;
            verdict.stage = rule.stage;
            verdict.action = rule.stage == Stage::Enforce ? rule.action : Action::Pass;
        }
        return verdict;
    }
    [[nodiscard]] const std::vector<Class>& classes() const override { return classes_; }
    [[nodiscard]] const std::vector<RuleSource>& rules() const override { return rules_; }
    [[nodiscard]] const Class* find_class(std::string_view name) const override {
        const auto found = std::find_if(classes_.begin(), classes_.end(), [name](const Class& c) {
            return c.name == name;
        });
        return found == classes_.end() ? nullptr : &*found;
    }
    [[nodiscard]] const std::vector<std::pair<Prefix, ClassId>>& prefixes() const override {
        return table_->prefixes();
    }
    [[nodiscard]] std::string digest() const override { return digest_; }

    [[nodiscard]] std::shared_ptr<const Policy> staged(Stage stage) const {
        std::vector<RuleSource> rules = rules_;
        for (RuleSource& rule : rules) {
            rule.stage = stage;
        }
        return std::make_shared<Compiled>(classes_, std::move(rules), table_);
    }

  private:
    [[nodiscard]] std::size_t index(ClassId client, ClassId server) const {
        return std::size_t{client} * classes_.size() + server;
    }

    // Over everything that decides or is shown; origins are left out, so that moving a line changes
    // nothing.
    [[nodiscard]] std::string compute_digest() const {
        std::string all;
        const auto put = [&all](std::string_view text) {
            all += std::to_string(text.size());
            all += ':';
            all += text;
        };
        for (const Class& c : classes_) {
            put(c.name);
            put(c.note);
        }
        put("rules");
        for (const RuleSource& rule : rules_) {
            put(rule.name);
            put(rule.from);
            put(rule.to);
            put(name(rule.action));
            put(name(rule.stage));
            put(rule.note);
            put(rule.rate.text());
        }
        put("prefixes");
        for (const auto& [prefix, id] : table_->prefixes()) {
            const auto& bytes = prefix.address().bytes();
            all += prefix.is_v4() ? '4' : '6';
            all.append(bytes.begin(), bytes.end());
            all += static_cast<char>(prefix.length());
            all += static_cast<char>(id);
        }
        return hex(sha256(all)).substr(0, 32);
    }

    std::vector<Class> classes_;
    std::vector<RuleSource> rules_;
    std::shared_ptr<const Table> table_;
    std::vector<std::int16_t> cells_;
    std::string digest_;
};
static_assert(kRulesMax <= 32767, "rule indices are kept in 16 bits");

struct Classes {
    std::vector<Class> classes;
    std::vector<ClassId> ids;  // of source.classes[i]
};

Result<Classes> compile_classes(const Source& source) {
    if (!is_name(source.default_class)) {
        return fail(
            Errc::Invalid, "default class \"" + source.default_class + "\" is not a usable name"
        );
    }
    Classes out;
    out.classes.push_back(Class{0, source.default_class, "", 0});
    std::map<std::string, std::string> origins;
    for (const ClassSource& c : source.classes) {
        if (!is_name(c.name)) {
            return fail(
                Errc::Invalid,
                at(c.origin) + "class name \"" + printable(c.name, kNameMax) +
                    "\" must be 1 to 64 letters, digits, '-', '_' or '.', starting with a letter "
                    "or digit"
            );
        }
        const auto [earlier, fresh] = origins.emplace(c.name, c.origin);
        if (!fresh) {
            return fail(
                Errc::Conflict,
                at(c.origin) + "class \"" + c.name + "\" is declared already" +
                    also_at(earlier->second)
            );
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
        out.classes.push_back(Class{id, c.name, c.note, 0});
        out.ids.push_back(id);
    }
    return out;
}

// Each prefix once, with its class; the same prefix in two classes is an error.
Result<std::vector<std::pair<Prefix, ClassId>>> compile_prefixes(
    const Source& source, Classes& classes
) {
    struct Entry {
        Prefix prefix;
        std::uint32_t from;  // index of source.classes
    };
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < source.classes.size(); ++i) {
        for (const Prefix& prefix : source.classes[i].prefixes) {
            entries.push_back({prefix, static_cast<std::uint32_t>(i)});
        }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return a.prefix != b.prefix ? a.prefix < b.prefix : a.from < b.from;
    });
    std::vector<std::pair<Prefix, ClassId>> out;
    out.reserve(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const Entry& entry = entries[i];
        if (i > 0 && entries[i - 1].prefix == entry.prefix) {
            const ClassSource& first = source.classes[entries[i - 1].from];
            const ClassSource& second = source.classes[entry.from];
            if (entries[i - 1].from == entry.from) {
                continue;
            }
            return fail(
                Errc::Conflict,
                at(second.origin) + entry.prefix.text() + " is in class \"" + second.name +
                    "\" and in class \"" + first.name + "\"" + also_at(first.origin) +
                    "; an address belongs to one class"
            );
        }
        const ClassId id = classes.ids[entry.from];
        ++classes.classes[id].prefixes;
        out.emplace_back(entry.prefix, id);
    }
    return out;
}

Status check_rules(const Source& source, const std::vector<Class>& classes) {
    if (source.rules.size() > kRulesMax) {
        return fail(
            Errc::Full,
            at(source.rules[kRulesMax].origin) + "more than " + std::to_string(kRulesMax) + " rules"
        );
    }
    std::map<std::string, std::string> origins;
    std::set<std::string> rates;
    for (const RuleSource& rule : source.rules) {
        if (!is_name(rule.name)) {
            return fail(
                Errc::Invalid,
                at(rule.origin) + "rule name \"" + printable(rule.name, kNameMax) +
                    "\" must be 1 to 64 letters, digits, '-', '_' or '.', starting with a letter "
                    "or digit"
            );
        }
        const auto [earlier, fresh] = origins.emplace(rule.name, rule.origin);
        if (!fresh) {
            return fail(
                Errc::Conflict,
                at(rule.origin) + "rule \"" + rule.name + "\" is declared already" +
                    also_at(earlier->second)
            );
        }
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
            rates.insert(rule.rate.text());
            if (rates.size() > kRatesMax) {
                return fail(
                    Errc::Full,
                    at(rule.origin) + "more than " + std::to_string(kRatesMax) + " different rates"
                );
            }
        }
        for (const std::string& wanted : {rule.from, rule.to}) {
            const bool known =
                wanted == kAny || std::any_of(classes.begin(), classes.end(), [&](const Class& c) {
                    return c.name == wanted;
                });
            if (!known) {
                return fail(
                    Errc::NotFound,
                    at(rule.origin) + "rule \"" + rule.name + "\" names class \"" +
                        printable(wanted, kNameMax) + "\", which is not declared"
                );
            }
        }
    }
    return {};
}

}  // namespace

std::string_view name(Action action) {
    return kActions.at(static_cast<std::size_t>(action));
}

std::string_view name(Stage stage) {
    return kStages.at(static_cast<std::size_t>(stage));
}

std::optional<Action> parse_action(std::string_view text) {
    const auto found = std::find(kActions.begin(), kActions.end(), text);
    return found == kActions.end() ? std::nullopt
                                   : std::optional(static_cast<Action>(found - kActions.begin()));
}

std::optional<Stage> parse_stage(std::string_view text) {
    const auto found = std::find(kStages.begin(), kStages.end(), text);
    return found == kStages.end() ? std::nullopt
                                  : std::optional(static_cast<Stage>(found - kStages.begin()));
}

Verdict Policy::judge(const IpAddress& source, const IpAddress& destination, Direction direction)
    const {
    const ClassId from = classify(source);
    const ClassId to = classify(destination);
    return direction == Direction::ToPort25 ? cell(from, to) : cell(to, from);
}

Result<std::shared_ptr<const Policy>> Policy::compile(const Source& source) {
    auto classes = compile_classes(source);
    if (!classes) {
        return fail(classes.error());
    }
    auto prefixes = compile_prefixes(source, *classes);
    if (!prefixes) {
        return fail(prefixes.error());
    }
    if (const Status rules = check_rules(source, classes->classes); !rules) {
        return fail(rules.error());
    }
    auto table = std::make_shared<const Table>(std::move(*prefixes));
    return std::make_shared<const Compiled>(
        std::move(classes->classes), source.rules, std::move(table)
    );
}

std::shared_ptr<const Policy> with_stage(const Policy& policy, Stage stage) {
    const auto* compiled = dynamic_cast<const Compiled*>(&policy);
    SEKISHO_ASSERT(compiled != nullptr);
    return compiled->staged(stage);
}

std::vector<PacketVerdict> judge_packet(
    const Policy& policy, const Endpoint& source, const Endpoint& destination
) {
    constexpr std::uint16_t kSmtp = 25;
    std::vector<PacketVerdict> out;
    if (destination.port == kSmtp) {
        out.push_back(
            {policy.judge(source.address, destination.address, Direction::ToPort25),
             Direction::ToPort25}
        );
    }
    if (source.port == kSmtp && (out.empty() || !blocks(out.back().verdict.action))) {
        out.push_back(
            {policy.judge(source.address, destination.address, Direction::FromPort25),
             Direction::FromPort25}
        );
    }
    return out;
}

}  // namespace sekisho::policy
