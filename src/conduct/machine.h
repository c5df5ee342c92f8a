// The response to a misused account or line as a state machine: what is seen of it makes a score,
// and the score makes it slow, holds its mail, suspends its sending, asks for a new password. Pure:
// time is handed in. README.md has the table of states.
#pragma once

#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::conduct {

// From mild to strict.
enum class Stage : std::uint8_t { Normal, Slow, Hold, Suspended, Password };
[[nodiscard]] std::string_view name(Stage stage);
[[nodiscard]] std::optional<Stage> parse_stage(std::string_view text);

struct Rules {
    int slow_at = 40, hold_at = 70, suspend_at = 100, password_at = 160;  // points
    Duration half_life{6LL * 3600 * 1000};                                // in which a score halves
    Duration quiet{24LL * 3600 * 1000};  // after which slow and hold are taken back a stage

    int networks_max = 5, network_points = 15;   // client networks in an hour
    int countries_max = 2, country_points = 25;  // countries in an hour
    int travel_points = 40;                      // two countries in less than the time below
    Duration travel_within{30LL * 60 * 1000};
    int strangers_max = 50, stranger_points = 1;  // recipients in an hour that are new to it
    int refused_min = 10, refused_percent = 30, refused_points = 20;  // of the hour's recipients
    int gate_points = 10;       // the gate blocked a flow of its line, while it is suspected itself
    int complaint_points = 30;  // somebody complained about a mail of it
    int spam_points = 10;       // a filter called its mail spam
    int line_accounts = 2;      // so many must be suspected before their line is; 0: no line is
};

// One thing that was seen of an account.
struct Seen {
    enum class What : std::uint8_t {
        Login,        // the password was right
        Recipient,    // taken
        NotTaken,     // a recipient was refused or could not be delivered to
        GateBlocked,  // of its line
        Complaint,
        Spam,
    };
    What what = What::Login;
    std::string network;  // Login, Recipient: the client's
    std::string country;  // may be empty
    // Login, Recipient: the line that the client is on; empty: on none of ours, nullopt: unknown.
    std::optional<std::string> from;
    bool stranger = false;  // Recipient: new to the account
    std::string detail;     // for people
};

struct State {
    Stage stage = Stage::Normal;
    Time since{};
    double score = 0;
    Time scored{};                      // when the score was that
    Time suspicious{};                  // the last time anything gave points
    std::string reason;                 // of the stage, one sentence
    std::string by;                     // the operator who ordered it; empty: nobody did
    std::vector<std::string> evidence;  // the last few, newest last
    bool exempt = false;                // nothing is done about it

    // What was seen in an hour; not kept over a restart.
    std::map<std::string, Time> networks, countries;
    std::string country;
    Time there{};
    Time window{};
    int taken = 0, strangers = 0, not_taken = 0, share_told = 0;
    std::string from;                      // an account: the line that it was used from last
    std::map<std::string, Time> accounts;  // a line: whose points it has, and since when
};
inline constexpr std::size_t kEvidenceMax = 12;

enum class Action : std::uint8_t {
    TellSubscriber,
    TellAbuseDesk,
    HoldQueue,     // what of it is queued
    ReleaseQueue,  // what was held of it
    EndSessions,
};
struct Change {
    Stage from = Stage::Normal, to = Stage::Normal;
    std::string reason;
    std::vector<Action> actions;
};

// The score as it is now.
[[nodiscard]] double score_at(const Rules& rules, const State& state, Time now);

struct Observed {
    double points = 0;
    std::string why;
    std::optional<Change> change;  // at most one, to the strictest stage that the score reaches
};
[[nodiscard]] Observed observe(const Rules& rules, State& state, const Seen& seen, Time now);
// What an account has got while it was used from a line counts for the line as well. One account
// alone is answered by itself; a line has a stage when several are misused from it: somebody who
// has collected passwords, or one infected machine that several people use. Never stage password.
[[nodiscard]] std::optional<Change> observe_line(
    const Rules& rules, State& line, std::string_view account, const Observed& of_account, Time now
);
// The gate blocks the line, which is suspected already.
[[nodiscard]] std::optional<Change> observe_blocked(
    const Rules& rules, State& line, std::string_view detail, Time now
);
// Time passes: slow and hold are taken back one stage at a time. What was held stays held: nobody
// has looked at it.
[[nodiscard]] std::optional<Change> relax(const Rules& rules, State& state, Time now);

// An operator's word. The change is one in any case, unless nothing differs.
[[nodiscard]] std::optional<Change> suspend(
    State& state, const std::string& by, const std::string& reason, Time now
);
// Everything is as before; what was held goes out.
[[nodiscard]] std::optional<Change> undo(
    State& state, const std::string& by, const std::string& reason, bool release, Time now
);
// Its password is another: what asked for that ends; what was held stays held.
[[nodiscard]] std::optional<Change> password_changed(State& state, Time now);

}  // namespace sekisho::conduct
