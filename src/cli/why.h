// Why something was refused, held or is slow: from what is known to one plain answer, cause first.
// No I/O.
#pragma once

#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"

#include <optional>
#include <string>
#include <vector>

namespace sekisho::cli {

struct WhyFacts {
    enum class About { Message, Account, Address, Reference };
    About about = About::Account;
    std::string subject;
    Time now{};
    std::vector<event::Event> events;  // newest first
    std::optional<Json> message;       // as `queue show` has it, while it is queued
    bool account_known = false;
    bool enabled = true;
    std::string disabled_reason;
    std::optional<Json> conduct;  // as `conduct show` has it
    std::vector<Json> uses;       // as `limit show` has them
    std::string policy;           // of an address: what port 25 is for it
    bool mail_runs = true;        // false: queue, limits and conduct could not be asked
};

struct Why {
    std::string cause;  // one sentence
    std::string since, until, todo;
    std::vector<std::string> evidence;
};

[[nodiscard]] Why explain_why(const WhyFacts& facts);
[[nodiscard]] std::string why_text(const Why& why);
[[nodiscard]] Json why_json(const Why& why);

}  // namespace sekisho::cli
