// What a misused account may still do, as replies and names. No I/O.
#pragma once

#include "base/time.h"
#include "conduct/machine.h"
#include "conduct/warden.h"
#include "smtp/reply.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::mail {

// The limit that an account in stage slow (or stricter) is under.
inline constexpr std::string_view kConductSlow = "conduct_slow";
// Until when a message isn't due that is to be held as soon as it is durable: longer than a hold
// takes. Whatever ends the hold (release, undo) makes it due at once.
inline constexpr Duration kUntilHeld = std::chrono::minutes(15);
// The reason of a hold. With an empty `reason` how it begins, so that an undo finds its own.
[[nodiscard]] std::string held_by_conduct(const conduct::Subject& whose, std::string_view reason);

// What is in force for a session: of its account, or of the line that it comes from.
struct InForce {
    conduct::Subject whose;
    conduct::Stage stage = conduct::Stage::Normal;
};

// After the right password: 525 5.7.13 (RFC 4954 has no better; RFC 5248 registers the code), or
// 534 5.7.9 when only a new password helps.
[[nodiscard]] std::optional<smtp::Reply> refuse_login_by(
    const InForce& in_force, std::string_view support
);
// At MAIL, in a session that began before: 550 with the same code.
[[nodiscard]] std::optional<smtp::Reply> refuse_mail_by(
    const InForce& in_force, std::string_view support
);

}  // namespace sekisho::mail
