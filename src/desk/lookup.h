// Support's questions, answered from the one memory: what became of a message, and everything about
// one subscriber.
#pragma once

#include "desk/context.h"

#include <string_view>

namespace sekisho::desk {

// `id`: a Message-ID (with or without angle brackets), a queue id, or a reference number.
[[nodiscard]] Result<Json> trace(const Context& context, std::string_view id);

// Who held the address at the time, and where it stands in the policy.
[[nodiscard]] Result<Json> line_at(const Context& context, const IpAddress& address, Time at);

// `query`: an IP address, a login or mail address, a line, a reference number or a Message-ID.
// One object with the line, its sessions, the accounts, blocked flows, logins, messages, and
// findings in words, the gravest first.
[[nodiscard]] Result<Json> subscriber(const Context& context, std::string_view query, Time at);

}  // namespace sekisho::desk
