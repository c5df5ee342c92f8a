#include "cli/why.h"

#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

// By how conduct begins the reason of its holds: "conduct: ...", "conduct of line L1: ...".
std::string todo_of_held(
    std::string_view reason, const std::string& account, const std::string& id
) {
    constexpr std::string_view kOfLine = "conduct of line ";
    std::string whose = reason.starts_with("conduct: ") ? account : "";
    if (reason.starts_with(kOfLine)) {
        reason.remove_prefix(kOfLine.size());
        whose = "--line " + std::string(reason.substr(0, reason.find(": ")));
    }
    return whose.empty() ? "sekisho queue release " + id + ", or sekisho queue drop " + id
                         : "sekisho conduct show " + whose +
                               ", then sekisho conduct undo or sekisho queue drop " + id;
}

using event::Event;
using event::Kind;

constexpr std::size_t kEvidenceMax = 5;
constexpr Duration kRecent = std::chrono::hours(48);

// What to do about a refusal, by the rule that decided.
constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kAdvice{{
    {"line", "send through port 587 with authentication; the guide shows how for each program"},
    {"misplaced", "a mail program is set up for port 25: it belongs to port 587 with authentication"
    },
    {"null-mx", "the address's domain says that it takes no mail: look for another address"},
    {"sender", "let the program use an address of the account, or give the account the address"},
    {"from", "let the program use an address of the account, or give the account the address"},
    {"disabled", "sekisho account enable ACCOUNT, once the reason is gone"},
    {"peer", "a proper mail server: mend its reverse name, HELO and SPF (sekisho peer explain)"},
    {"spf", "the sender's domain must name the server in its SPF record"},
    {"dmarc", "the author's domain wants it so: sign with DKIM or send from an allowed server"},
    {"greylist", "nothing: a mail server comes again by itself"},
    {"unknown-user", "the sender has to mend the recipient's address"},
    {"relay", "mail to other domains goes through port 587 with authentication"},
    {"loop", "look at the forwarding of the recipient: it leads back here"},
    {"spool", "sekisho doctor; the sender's program tries again by itself"},
    {"header", "the program that made the message has to mend its header"},
}};

std::string advice(const Event& e) {
    if (e.rule.starts_with("limit:")) {
        return "wait until then, or: sekisho limit reset " +
               (e.account.empty() ? e.address : e.account) + " --limit " + e.rule.substr(6) +
               " --reason WHY";
    }
    for (const auto& [rule, what] : kAdvice) {
        if (e.rule == rule) {
            return std::string(what);
        }
    }
    if (e.kind == Kind::LoginRefused) {
        return e.detail.find("525 ") != std::string::npos
                   ? "sekisho account list says why it is disabled"
                   : "check user name and password in every program; sekisho account passwd sets a "
                     "new one";
    }
    if (e.kind == Kind::GateBlocked || e.kind == Kind::GateAnswered || !e.rule.empty()) {
        return "send through port 587 with authentication; sekisho gate exempt add lets a server "
               "pass";
    }
    if (e.kind == Kind::Expired) {
        return "the reply says why it could not be delivered; once that is mended, send it again";
    }
    return "the reply says what was wrong";
}

bool is_trouble(Kind kind) {
    switch (kind) {
        case Kind::Refused:
        case Kind::LoginRefused:
        case Kind::Deferred:
        case Kind::Bounced:
        case Kind::Expired:
        case Kind::Held:
        case Kind::GateBlocked:
        case Kind::GateAnswered:
            return true;
        default:
            return false;
    }
}

std::string what_happened(const Event& e) {
    std::string who = e.recipient.empty() ? "" : " to " + e.recipient;
    switch (e.kind) {
        case Kind::Refused:
            return "refused" + who + (e.rule.empty() ? "" : " by " + e.rule) + ": " + e.detail;
        case Kind::LoginRefused:
            return "login refused: " + e.detail;
        case Kind::Deferred:
            return "not delivered yet" + who + ": " + e.detail;
        case Kind::Bounced:
            return "returned to its sender" + (who.empty() ? "" : ", not delivered" + who) + ": " +
                   e.detail;
        case Kind::Expired:
            return "returned to its sender, its time over" +
                   (who.empty() ? "" : ", not delivered" + who) + "; last: " + e.detail;
        case Kind::GateBlocked:
            return fmt::format("blocked at the gate by {}, {} packets", e.rule, e.count);
        default:
            return std::string(event::name(e.kind)) + who +
                   (e.detail.empty() ? "" : ": " + e.detail);
    }
}

// "free again 2026-11-24T13:59:24Z" of a limit's reply.
std::string free_again(const std::string& detail) {
    constexpr std::string_view kWords = "free again ";
    const std::size_t at = detail.find(kWords);
    if (at == std::string::npos) {
        return {};
    }
    return detail.substr(at + kWords.size(), detail.find_first_of(";,", at) - at - kWords.size());
}

// The trouble at hand, and since when it has been the same.
void by_last_trouble(const WhyFacts& facts, Why& why) {
    const auto last = std::ranges::find_if(facts.events, [&](const Event& e) {
        return is_trouble(e.kind) && e.at + kRecent > facts.now;
    });
    if (last == facts.events.end()) {
        why.cause = facts.events.empty() ? "Nothing is known about " + facts.subject
                                         : "Nothing stands in the way of " + facts.subject +
                                               " now; last: " + what_happened(facts.events.front());
        why.todo = facts.events.empty() ? "check how it is written; the memory goes back as far as "
                                          "retention.events"
                                        : "nothing";
        return;
    }
    why.cause = "It was " + what_happened(*last);
    if (last->kind == Kind::Deferred) {
        why.cause = "It waits: " + what_happened(*last);
    }
    why.since = rfc3339(last->at);
    for (auto earlier = last; earlier != facts.events.end(); ++earlier) {
        if (earlier->kind == last->kind && earlier->rule == last->rule) {
            why.since = rfc3339(earlier->at);
        }
    }
    why.until = free_again(last->detail);
    why.todo = advice(*last);
}

bool by_message(const WhyFacts& facts, Why& why) {
    if (!facts.message) {
        return false;
    }
    const Json& m = *facts.message;
    const std::string state = m.value("state", "");
    const std::string id = m.value("queue_id", facts.subject);
    why.until = m.value("due", "");
    for (const Json& to : m.value("recipients", Json::array())) {
        if (to.value("state", "") == "pending" && !to.value("last_reply", "").empty()) {
            why.evidence.push_back(to.value("address", "") + ": " + to.value("last_reply", ""));
        }
    }
    why.since = m.value("accepted", "");
    if (state == "held") {
        why.cause = "It is held: " + m.value("hold_reason", "no reason is given");
        for (const Event& e : facts.events) {
            if (e.kind == Kind::Held) {
                why.since = rfc3339(e.at);
                break;
            }
        }
        why.until = "somebody releases it; it expires " + m.value("expires", "");
        why.todo = todo_of_held(m.value("hold_reason", ""), m.value("account", ""), id);
    } else if (state == "in delivery") {
        why.cause = "It is being delivered at this moment";
        why.todo = "look again in a minute";
    } else if (m.value("attempts", 0) == 0) {
        why.cause = "It waits for its first try";
        why.todo = "nothing, unless the time below is long ago: sekisho doctor";
    } else {
        why.cause = fmt::format(
            "It could not be delivered yet, after {} tries{}",
            m.value("attempts", 0),
            why.evidence.empty() ? "" : "; " + why.evidence.front()
        );
        why.todo = "nothing: it is tried again until " + m.value("expires", "") +
                   "; now: sekisho queue retry " + id;
    }
    return true;
}

bool by_conduct(const WhyFacts& facts, Why& why) {
    if (!facts.conduct || facts.conduct->value("stage", "normal") == "normal") {
        return false;
    }
    const Json& c = *facts.conduct;
    const std::string stage = c.value("stage", "");
    why.cause = stage == "slow"        ? "It may send only slowly"
                : stage == "hold"      ? "What it sends is taken and held"
                : stage == "suspended" ? "It may not send"
                                       : "It may not log in until its password is changed";
    why.cause += ": " + c.value("reason", "");
    why.since = c.value("since", "");
    why.until = stage == "slow" ? "it has been quiet for a time" : "somebody undoes it";
    if (stage == "password") {
        why.until = "its password is changed";
        why.todo = "sekisho account passwd " + facts.subject + ", when its owner has called";
    } else {
        why.todo = "sekisho conduct show " + facts.subject + ", then sekisho conduct undo " +
                   facts.subject + " --reason WHY";
    }
    for (const Json& one : c.value("evidence", Json::array())) {
        why.evidence.push_back(one.get<std::string>());
    }
    return true;
}

bool by_limit(const WhyFacts& facts, Why& why) {
    for (const Json& use : facts.uses) {
        const auto used = use.value("used", std::int64_t{0});
        const auto allowed = use.value("allowed", std::int64_t{0});
        if (used < allowed || used == 0) {
            continue;
        }
        const std::string limit = use.value("limit", "");
        why.cause = fmt::format(
            "The limit {} of {} is used up: {} of {}", limit, use.value("key", ""), used, allowed
        );
        for (const Event& e : facts.events) {
            if (e.rule == "limit:" + limit) {
                why.since = rfc3339(e.at);  // the first refusal is the last of the list
                why.until = why.until.empty() ? free_again(e.detail) : why.until;
            }
        }
        if (why.until.empty()) {
            why.until = use.value("reset", "") + " at the latest";
        }
        why.todo = "wait until then, or: sekisho limit reset " + facts.subject + " --limit " +
                   limit + " --reason WHY";
        return true;
    }
    return false;
}

}  // namespace

Why explain_why(const WhyFacts& facts) {
    Why why;
    if (by_message(facts, why)) {
        // said
    } else if (by_conduct(facts, why)) {
        // said
    } else if (facts.account_known && !facts.enabled) {
        why.cause = "The account is disabled" +
                    (facts.disabled_reason.empty() ? "" : ": " + facts.disabled_reason);
        for (const Event& e : facts.events) {
            if (e.kind == Kind::AccountChanged && e.detail.starts_with("disabled")) {
                why.since = rfc3339(e.at);
                break;
            }
        }
        why.until = "somebody enables it";
        why.todo = "sekisho account enable " + facts.subject;
    } else if (!by_limit(facts, why)) {
        by_last_trouble(facts, why);
    }
    for (const Event& e : facts.events) {
        if (why.evidence.size() >= kEvidenceMax) {
            break;
        }
        why.evidence.push_back(rfc3339(e.at) + " " + what_happened(e));
    }
    if (!facts.policy.empty()) {
        why.evidence.push_back(facts.policy);
    }
    if (!facts.mail_runs) {
        why.evidence.emplace_back(
            "the mail server does not run: its queue and its limits could not be asked"
        );
    }
    return why;
}

std::string why_text(const Why& why) {
    std::string out = why.cause + "\n";
    const auto row = [&out](std::string_view name, const std::string& value) {
        if (!value.empty()) {
            out += fmt::format("{:<6} {}\n", name, value);
        }
    };
    row("since", why.since);
    row("until", why.until);
    row("do", why.todo);
    for (std::size_t i = 0; i < why.evidence.size(); ++i) {
        row(i == 0 ? "known" : "", why.evidence[i]);
    }
    return out;
}

Json why_json(const Why& why) {
    return Json{
        {"cause", why.cause},
        {"since", why.since},
        {"until", why.until},
        {"do", why.todo},
        {"evidence", why.evidence}
    };
}

}  // namespace sekisho::cli
