#include "policy/policy.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "policy/check.h"
#include "policy/split.h"
#include "policy/table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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

// Which region an address is in, and which part of a class that is.
struct Places {
    std::vector<std::string> regions;  // by the number that stands for them in the table
    Table table;
    Parts parts;
};

class Compiled final : public Policy {
  public:
    Compiled(
        std::vector<Class> classes,
        std::vector<RuleSource> rules,
        std::shared_ptr<const Table> table,
        std::shared_ptr<const Places> places
    )
        : classes_(std::move(classes)),
          rules_(std::move(rules)),
          table_(std::move(table)),
          places_(std::move(places)) {
        cells_.assign(classes_.size() * classes_.size(), -1);
        // From the last rule to the first, so that the first that names a pair stays.
        for (std::size_t i = rules_.size(); i-- > 0;) {
            for (const Class& client : classes_) {
                if (!is_from(rules_[i], client, classes_)) {
                    continue;
                }
                for (const Class& server : classes_) {
                    if (is_to(rules_[i], server, classes_)) {
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
    [[nodiscard]] ClassId part_of(ClassId id, const IpAddress& address, unsigned share)
        const override {
        SEKISHO_ASSERT(id < classes_.size());
        if (places_ == nullptr) {
            return id;
        }
        const auto* found = places_->table.find(address);
        return places_->parts.find(
            classes_[id].base,
            found == nullptr ? std::string() : places_->regions[found->second],
            share
        );
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
        return std::make_shared<Compiled>(classes_, std::move(rules), table_, places_);
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
            for (const std::string& region : rule.scope.regions) {
                put(region);
            }
            put(std::to_string(rule.scope.share));
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
    std::shared_ptr<const Places> places_;  // null: no class is parted
    std::vector<std::int16_t> cells_;
    std::string digest_;
};
static_assert(kRulesMax <= 32767, "rule indices are kept in 16 bits");

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
    const auto checked = check(source);
    if (!checked) {
        return fail(checked.error());
    }
    auto parted = split(source, *checked);
    if (!parted) {
        return fail(parted.error());
    }
    std::shared_ptr<const Places> places;
    if (parted->parts.any()) {
        std::vector<std::string> regions;
        for (const RegionSource& region : source.regions) {
            regions.push_back(region.name);
        }
        places = std::make_shared<const Places>(
            Places{std::move(regions), Table(checked->regions), std::move(parted->parts)}
        );
    }
    return std::make_shared<const Compiled>(
        std::move(parted->classes),
        source.rules,
        std::make_shared<const Table>(std::move(parted->prefixes)),
        std::move(places)
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
