// What a misused account may still do, as replies and names. No I/O.
#pragma once

#include "base/time.h"
#include "conduct/machine.h"
#include "smtp/reply.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::mail {

// The limit that an account in stage slow (or stricter) is under.
inline constexpr std::string_view kConductSlow = "conduct_slow";
// How the reason of a hold begins, so that an undo finds its own.
inline constexpr std::string_view kConductHold = "conduct: ";
// Until when a message isn't due that is to be held as soon as it is durable: longer than a hold
// takes. Whatever ends the hold (release, undo) makes it due at once.
inline constexpr Duration kUntilHeld = std::chrono::minutes(15);
[[nodiscard]] std::string held_by_conduct(std::string_view reason);

// After the right password: 525 5.7.13 (RFC 4954 has no better; RFC 5248 registers the code), or
// 534 5.7.9 when only a new password helps.
[[nodiscard]] std::optional<smtp::Reply> refuse_login_by(
    conduct::Stage stage, std::string_view support
);
// At MAIL, in a session that began before: 550 with the same code.
[[nodiscard]] std::optional<smtp::Reply> refuse_mail_by(
    conduct::Stage stage, std::string_view support
);

}  // namespace sekisho::mail
