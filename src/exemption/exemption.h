// A subscriber asks to run a mail server of their own: what is looked at, by which criteria it is
// decided, what becomes of it later. Pure; looking up and telling are others'.
//
//   Asked -> Granted | Waiting | Refused     by decide(), from what was looked up
//   Waiting -> Granted | Refused             by an operator
//   Granted -> Revoked                       by decide_again(), an operator, or the gate
//   Granted -> Ended                         its time is over
//   Asked, Waiting, Granted -> Withdrawn     by who asked
//
// Invariant: Granted has a lease; every other state has none that lives.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::exemption {

enum class Check : std::uint8_t {
    Held,         // the address has been the line's, and nobody else's, for a time
    ReverseName,  // the address has a name that leads back to it
    Spf,          // the domain lets the address send
    Relay,        // what answers on port 25 takes nothing for other domains
    Lists,        // on none of gate.dnsbl
};
inline constexpr std::array kChecks{
    Check::Held, Check::ReverseName, Check::Spf, Check::Relay, Check::Lists
};
enum class Mark : std::uint8_t { Passed, Failed, Unknown };
enum class State : std::uint8_t { Asked, Waiting, Granted, Refused, Withdrawn, Revoked, Ended };
[[nodiscard]] std::string_view name(Check check);  // "held", "reverse-name", "spf", ...
[[nodiscard]] std::string_view name(Mark mark);    // "passed", "failed", "unknown"
[[nodiscard]] std::string_view name(State state);  // "asked", ...
[[nodiscard]] std::optional<State> parse_state(std::string_view text);

struct Finding {
    Check check = Check::Held;
    Mark mark = Mark::Unknown;
    std::string detail;  // one line of ASCII
    friend bool operator==(const Finding&, const Finding&) = default;
};

struct Request {
    std::int64_t id = 0;  // given by the store
    std::string login, line;
    IpAddress address;
    std::string domain;  // that its mail is from
    std::string reason;
    Time created{};
    State state = State::Asked;
    Time changed{};                 // when it came to this state
    std::string by, why;            // who brought it there; one line
    std::string reverse_name;       // as found
    std::vector<Finding> findings;  // of the last look, one for each check
    std::optional<Time> checked;
    std::int64_t lease = 0;     // 0: none
    std::optional<State> told;  // of which its owner has been told
    friend bool operator==(const Request&, const Request&) = default;

    [[nodiscard]] bool open() const {
        return state == State::Asked || state == State::Waiting || state == State::Granted;
    }
};

// A request that can be taken: an address that may be exempted, a domain, a reason.
[[nodiscard]] Status check(const Request& request);

struct Decision {
    State state = State::Asked;
    std::string why;
};
// Something failed: Refused, whoever decides. Everything passed: Granted, or Waiting for an
// operator unless `automatic`. Something isn't known yet: Asked still, for kPatience, then Waiting.
inline constexpr Duration kPatience = std::chrono::hours(24);
[[nodiscard]] Decision decide(const Request& request, bool automatic, Time now);
// Of one that is Granted: Granted or Revoked. A failed SPF record is first told (`warned`), and
// revokes when it has failed before as well; an open relay and a lost address do at once. The name
// and the lists are the gate's to watch (lease::Conditions).
[[nodiscard]] Decision decide_again(
    const std::vector<Finding>& before, const std::vector<Finding>& found
);

// "spf failed example.net has no record\n..."; what can't be read is left out.
[[nodiscard]] std::string to_text(std::span<const Finding> findings);
[[nodiscard]] std::vector<Finding> parse_findings(std::string_view text);

// What every store says in the same words.
[[nodiscard]] Error no_request(std::int64_t id);
[[nodiscard]] Error open_already(const Request& request);
[[nodiscard]] Error too_many();

// Thread-safe; may wait for the disk.
class RequestStore {
  public:
    static constexpr std::size_t kOfLoginPerDay = 5;
    virtual ~RequestStore() = default;
    // The id. Conflict: the account or the address has an open one; Full: as many as a day may see.
    [[nodiscard]] virtual Result<std::int64_t> add(const Request& request) = 0;
    // False: it is in another state than `before` by now, and nothing is changed. NotFound.
    [[nodiscard]] virtual Result<bool> replace(const Request& request, State before) = 0;
    [[nodiscard]] virtual Result<Request> find(std::int64_t id) = 0;
    // The newest first.
    [[nodiscard]] virtual Result<std::vector<Request>> of_login(
        std::string_view login, std::size_t limit
    ) = 0;
    [[nodiscard]] virtual Result<std::vector<Request>> list(
        std::optional<State> state, std::size_t limit
    ) = 0;
    // Whose owner hasn't been told of the state they are in, the oldest first.
    [[nodiscard]] virtual Result<std::vector<Request>> untold(std::size_t limit) = 0;
};

}  // namespace sekisho::exemption
