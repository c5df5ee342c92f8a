// The kinds of evidence about a peer on port 25: what each is called, what it usually weighs, and
// what the operator wants done with it. In Japan each way of turning mail away needs a reason in
// law of its own, so each kind has its own switch and keeps the operator's note of that reason.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::peer {

enum class Kind : std::uint8_t {
    DeclaredServer,
    DeclaredDynamic,
    OwnLine,
    DynamicNetwork,
    NoName,
    NameUnconfirmed,
    NameConfirmed,
    NameMail,
    NameStatic,
    NamePlain,
    NameDynamic,
    NameGeneric,
    HeloLeadsBack,
    HeloMatchesName,
    HeloElsewhere,
    HeloIsOurs,
    HeloNotAName,
    HeloLiteral,
    HeloWrongLiteral,
    HeloDynamic,
    EarlyTalker,
    BareNewline,
    Tls,
    SpfPass,
    BlockList,
    KnownList,
    PastGood,
    PastBad,
};
inline constexpr std::size_t kKinds = 28;

enum class Action : std::uint8_t {
    Off,     // not looked at, not kept
    Note,    // told in the explanation, counts for nothing
    Weigh,   // adds its weight
    Delay,   // weighs, and its mail is greylisted whatever the sum is
    Refuse,  // settles it: a client
    Accept,  // settles it: a server, whatever else there is
};

// "early_talker", as in [peer_evidence].
[[nodiscard]] std::string_view name(Kind kind);
[[nodiscard]] std::string_view name(Action action);  // "weigh"
[[nodiscard]] std::optional<Action> action_of(std::string_view name);
// What it means that a peer has it, for the configuration's reference.
[[nodiscard]] std::string_view about(Kind kind);

// What is done with a kind.
struct Rule {
    Action action = Action::Weigh;
    int weight = 0;     // above zero: for a server. Of lists in the DNS each has its own
    std::string basis;  // why the operator may: a law, a contract, a decision; shown, not read
    friend bool operator==(const Rule&, const Rule&) = default;
};

// Of every kind. Server at `server_at` or more, client at `client_at` or less.
struct Rules {
    Rules();  // the usual weights
    std::array<Rule, kKinds> all;
    int server_at = 30, client_at = -30;

    [[nodiscard]] const Rule& of(Kind kind) const { return all.at(static_cast<std::size_t>(kind)); }
    [[nodiscard]] Rule& of(Kind kind) { return all.at(static_cast<std::size_t>(kind)); }
    [[nodiscard]] bool off(Kind kind) const { return of(kind).action == Action::Off; }
    // All of them are off, so what they are made from needs no look-up.
    template <class... Kinds>
    [[nodiscard]] bool all_off(Kinds... kinds) const {
        return (off(kinds) && ...);
    }
    friend bool operator==(const Rules&, const Rules&) = default;
};

// By index of Kind.
[[nodiscard]] constexpr Kind kind_at(std::size_t index) {
    return static_cast<Kind>(index);
}

}  // namespace sekisho::peer
