// One policy for TCP port 25: an address belongs to one class (longest prefix wins), a rule names a
// source class, a destination class and an action. Compiled to two look-ups and one cell of a
// matrix. Pure: no I/O, no clock.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::policy {

using ClassId = std::uint8_t;  // 0 is the default class, "outside" unless the source names another
inline constexpr std::size_t kClassesMax = 64;
inline constexpr std::size_t kRulesMax = 4096;
inline constexpr std::size_t kRegionsMax = 64;

// The lattice of actions, from mild to strict; Answer hands the connection to a responder that
// explains.
enum class Action : std::uint8_t { Pass, Count, Limit, Refuse, Drop, Answer };
enum class Stage : std::uint8_t {
    Observe,
    Notify,
    Enforce
};  // Observe, Notify: counted and reported, packets pass
// To: the packet that goes to port 25. From: its answer, from port 25 (blocking only one leaves
// triangular spamming).
enum class Direction : std::uint8_t { ToPort25, FromPort25 };

[[nodiscard]] std::string_view name(Action action);
[[nodiscard]] std::string_view name(Stage stage);
[[nodiscard]] std::optional<Action> parse_action(std::string_view text);
[[nodiscard]] std::optional<Stage> parse_stage(std::string_view text);
// Whether a packet under this action does not reach its destination.
[[nodiscard]] constexpr bool blocks(Action action) {
    return action == Action::Refuse || action == Action::Drop || action == Action::Answer;
}

// For the action limit: how many new connections a source (an IPv4 address, or an IPv6 /64) may
// open. A bucket of so many, full at first, that refills evenly over the time.
struct Rate {
    std::uint32_t connections = 0;  // 0: none given
    Duration per{};

    [[nodiscard]] static Result<Rate> parse(std::string_view text);  // "30/1h"
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Rate&, const Rate&) = default;
};
inline constexpr std::uint32_t kRateConnectionsMax = 1'000'000;
inline constexpr std::size_t kRatesMax = 1024;  // different ones in a policy

// Stands for the share_of() of who has no line, or who is meant whatever their line.
inline constexpr unsigned kNoShare = 99;

// A part of the lines that a rule, or a stage of it, is about; nothing given: all of them.
struct Scope {
    std::vector<std::string> regions;  // names; the end that opens the connection is in one of them
    unsigned share = 100;  // percent of the known lines, always the same ones (share_of)
    [[nodiscard]] bool all() const { return regions.empty() && share == 100; }
    [[nodiscard]] std::string text() const;  // for people: "region east: 10 percent of the lines"
    friend bool operator==(const Scope&, const Scope&) = default;
};

// From a time on a rule, or the part of it that is named, is in another stage (stages.h).
struct Step {
    Time at{};
    Stage stage = Stage::Enforce;
    std::string to;  // only towards this class; empty: what the rule says
    Scope scope;     // within that of the rule
    std::string origin;
    friend bool operator==(const Step&, const Step&) = default;
};

// What an operator wrote; `origin` is "file:line" for messages.
struct ClassSource {
    std::string name;
    std::string note;
    std::vector<Prefix> prefixes;
    std::string origin;
};
// Where lines are, beside what class they are of: for rules that come region by region.
struct RegionSource {
    std::string name;
    std::string note;
    std::vector<Prefix> prefixes;
    std::string origin;
};
struct RuleSource {
    std::string name;      // unique; shown in counters
    std::string from, to;  // class names; "*" any
    Action action = Action::Pass;
    Stage stage = Stage::Enforce;
    std::string note;  // why; shown by explain and to the support desk
    std::string origin;
    Rate rate;  // with Action::Limit, and only then
    Scope scope;
    std::vector<Step> steps;  // in order of time
};
struct Source {
    std::vector<ClassSource> classes;
    std::vector<RegionSource> regions;
    std::vector<RuleSource> rules;  // the first rule that names both classes decides
    std::string default_class = "outside";
};

// A class as it was written, or, where rules are about regions or shares of its lines, a part of
// one: of one region, and of the lines whose share_of() is from `band_from` to less than `band_to`.
struct Class {
    ClassId id = 0;
    std::string name;
    std::string note;
    std::size_t prefixes = 0;
    ClassId base = 0;  // as it was written; its own id if that is this one
    std::string region;
    unsigned band_from = 0, band_to = 100;
};

struct Verdict {
    Action action = Action::Pass;    // what happens to the packet now (stage applied)
    Action declared = Action::Pass;  // what the rule says, were it enforced
    Stage stage = Stage::Enforce;
    // It would be blocked, were its rule enforced, and passes because the stage is milder.
    [[nodiscard]] bool would_block() const { return blocks(declared) && !blocks(action); }

    int rule = -1;  // index into rules(); -1: no rule names these classes
    ClassId client = 0,
            server = 0;  // classes of the two ends, the client being the one that speaks to port 25
};

class Policy {
  public:
    // The rules as they stand; steps are checked, and decide nothing (stages.h brings those that
    // have come into the rules). Errors: duplicate
    // class, region or rule, unknown class or region in a rule, one prefix in two classes, too many
    // of anything; the message names the origin of both.
    [[nodiscard]] static Result<std::shared_ptr<const Policy>> compile(const Source& source);
    virtual ~Policy() = default;

    [[nodiscard]] virtual ClassId classify(const IpAddress& address) const = 0;
    // The prefix that decided the class, if any.
    [[nodiscard]] virtual std::optional<Prefix> matched(const IpAddress& address) const = 0;
    // A packet from `source` to `destination`; in direction FromPort25 the client is the
    // destination.
    [[nodiscard]] Verdict judge(
        const IpAddress& source, const IpAddress& destination, Direction direction
    ) const;
    [[nodiscard]] virtual Verdict cell(ClassId client, ClassId server) const = 0;

    [[nodiscard]] virtual const std::vector<Class>& classes() const = 0;
    [[nodiscard]] virtual const std::vector<RuleSource>& rules() const = 0;
    // The class as the operator wrote it, of which this may be a part.
    [[nodiscard]] const Class& written(ClassId id) const {
        const std::vector<Class>& all = classes();
        return all.at(all.at(id).base);
    }
    [[nodiscard]] virtual const Class* find_class(std::string_view name) const = 0;
    // The part of a class that an address is in by its region, and by the share_of() of its line.
    [[nodiscard]] virtual ClassId part_of(ClassId id, const IpAddress& address, unsigned share)
        const = 0;
    // Every prefix with its class, in order (for engines and renderers).
    [[nodiscard]] virtual const std::vector<std::pair<Prefix, ClassId>>& prefixes() const = 0;
    // A digest of all of it: equal policies have equal digests.
    [[nodiscard]] virtual std::string digest() const = 0;
};

// The same classes and rules with every rule in the given stage (gate.mode = "observe").
[[nodiscard]] std::shared_ptr<const Policy> with_stage(const Policy& policy, Stage stage);

// What one TCP packet meets. Not from or to port 25: nothing. From and to port 25 at once: it is
// judged as one to port 25, and if that lets it pass, as an answer too; the last verdict counts.
struct PacketVerdict {
    Verdict verdict;
    Direction direction = Direction::ToPort25;
};
[[nodiscard]] std::vector<PacketVerdict> judge_packet(
    const Policy& policy, const Endpoint& source, const Endpoint& destination
);

// "SRC is 'subscribers' by 198.51.100.0/24 ... rule 'op25b' ... refused", for `gate explain`, one
// line a step.
[[nodiscard]] std::vector<std::string> explain(
    const Policy& policy, const IpAddress& source, const IpAddress& destination
);

}  // namespace sekisho::policy
