// The keys of [conduct].
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using namespace std::chrono_literals;
using C = Config;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

constexpr std::uint64_t kPointsMax = 10'000;

template <class Ref>
Key<C> points(std::string name, Ref ref, std::string help) {
    return number<C>(std::move(name), ref, 0, kPointsMax, std::move(help));
}
template <class Ref>
Key<C> stage_at(std::string name, Ref ref, std::string help) {
    return number<C>(std::move(name), ref, 1, kPointsMax, std::move(help));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> conduct_faults(const Conduct& c) {
    if (c.slow_at > c.hold_at || c.hold_at > c.suspend_at || c.suspend_at > c.password_at) {
        return {{"conduct", "slow_at, hold_at, suspend_at and password_at must not go down"}};
    }
    return {};
}

Table<C> conduct_table() {
    return {
        "conduct",
        false,
        "What is done about an account that is misused, or a line from which several are. What is "
        "seen of it makes points, which fade; "
        "the score makes it slow, then holds its mail, then suspends its sending, then asks for a "
        "new password.",
        {
            choice<C>(
                "mode",
                SEKISHO_AT(conduct.mode),
                {"off", "observe", "enforce"},
                "`observe` finds and tells stages, and nobody feels them. What an operator orders "
                "(`sekisho account suspend`) is in force in any mode."
            ),
            stage_at(
                "slow_at",
                SEKISHO_AT(conduct.slow_at),
                "Points from which on it may send only `slow_recipients_per_hour`."
            ),
            stage_at(
                "hold_at",
                SEKISHO_AT(conduct.hold_at),
                "Points from which on what it sends is taken and held."
            ),
            stage_at(
                "suspend_at",
                SEKISHO_AT(conduct.suspend_at),
                "Points from which on it may not send (525 5.7.13); it goes on receiving."
            ),
            stage_at(
                "password_at",
                SEKISHO_AT(conduct.password_at),
                "Points from which on it needs a new password (534 5.7.9)."
            ),
            number<C>(
                "slow_recipients_per_hour",
                SEKISHO_AT(conduct.slow_recipients_per_hour),
                1,
                1'000'000,
                "What a slow account may send."
            ),
            duration<C>(
                "half_life",
                SEKISHO_AT(conduct.half_life),
                1min,
                24h * 30,
                "In which time points fade to the half."
            ),
            duration<C>(
                "quiet",
                SEKISHO_AT(conduct.quiet),
                1min,
                24h * 365,
                "After so long without new points slow and hold are taken back a stage. What was "
                "held stays held until somebody has looked at it."
            ),
            number<C>(
                "network_v4",
                SEKISHO_AT(conduct.network_v4),
                8,
                32,
                "How long the prefix of a client is that counts as one network, in IPv4."
            ),
            number<C>("network_v6", SEKISHO_AT(conduct.network_v6), 16, 128, "The same in IPv6."),
            number<C>(
                "networks_max",
                SEKISHO_AT(conduct.networks_max),
                1,
                100,
                "From how many networks an account may be used in an hour."
            ),
            points("network_points", SEKISHO_AT(conduct.network_points), "For each one more."),
            number<C>(
                "countries_max",
                SEKISHO_AT(conduct.countries_max),
                1,
                100,
                "From how many countries in an hour (`limits.country_file`)."
            ),
            points("country_points", SEKISHO_AT(conduct.country_points), "For each one more."),
            points(
                "travel_points",
                SEKISHO_AT(conduct.travel_points),
                "For two countries within `travel_within`."
            ),
            duration<C>(
                "travel_within",
                SEKISHO_AT(conduct.travel_within),
                1s,
                24h,
                "In which nobody gets from one country to another."
            ),
            number<C>(
                "strangers_max",
                SEKISHO_AT(conduct.strangers_max),
                0,
                1'000'000,
                "To how many recipients it may write in an hour that it has not written to in 90 "
                "days."
            ),
            points("stranger_points", SEKISHO_AT(conduct.stranger_points), "For each one more."),
            number<C>(
                "refused_min",
                SEKISHO_AT(conduct.refused_min),
                1,
                1'000'000,
                "So many recipients in an hour that are refused here or elsewhere ..."
            ),
            number<C>(
                "refused_percent",
                SEKISHO_AT(conduct.refused_percent),
                1,
                100,
                "... when they are such a share of all its recipients, give ..."
            ),
            points("refused_points", SEKISHO_AT(conduct.refused_points), "... points."),
            points(
                "gate_points",
                SEKISHO_AT(conduct.gate_points),
                "When the gate blocks its line on port 25, once an hour. Only when the account has "
                "points of its own: a line has other users."
            ),
            points(
                "complaint_points",
                SEKISHO_AT(conduct.complaint_points),
                "For a complaint about a message of it (`sekisho complaint read`, "
                "`report_address`)."
            ),
            points(
                "spam_points",
                SEKISHO_AT(conduct.spam_points),
                "For a message of it that a `[[milter]]` calls spam."
            ),
            number<C>(
                "line_accounts",
                SEKISHO_AT(conduct.line_accounts),
                0,
                100,
                "How many accounts must have got points while they were used from one line until "
                "the line itself has a stage: then nobody sends from there. 0: lines have none."
            ),
            flag<C>(
                "tell_subscriber",
                SEKISHO_AT(conduct.tell_subscriber),
                "Whether its owner is told of each stage by mail, in Japanese and English."
            ),
            text<C>(
                "abuse_mail",
                SEKISHO_AT(conduct.abuse_mail),
                "Who is told of each stage with its evidence. Empty: nobody."
            ),
            text<C>(
                "report_address",
                SEKISHO_AT(conduct.report_address),
                "An address of ours, with an account that receives for it, at which complaints in "
                "the abuse reporting format (RFC 5965) arrive. Empty: none is read."
            ),
        }
    };
}

#undef SEKISHO_AT

}  // namespace sekisho::config
