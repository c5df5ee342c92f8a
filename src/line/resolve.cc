#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::line {
namespace {

const Prefix* held_prefix(const Session& session, const IpAddress& address, Time at) {
    if (session.start > at || (session.end && *session.end <= at)) {
        return nullptr;
    }
    const auto found = std::ranges::find_if(session.prefixes, [&](const Prefix& prefix) {
        return prefix.contains(address);
    });
    return found == session.prefixes.end() ? nullptr : &*found;
}

std::string full_name(const Session& session) {
    return session.realm.empty() ? session.line : session.line + "@" + session.realm;
}

std::string since(const Session& session) {
    return session.start == Time{} ? std::string{"without a beginning"}
                                   : "since " + rfc3339(session.start);
}

}  // namespace

Answer resolve(const std::vector<Session>& holders, const IpAddress& address, Time at) {
    const Session* first = nullptr;
    const Prefix* prefix = nullptr;
    std::size_t count = 0;
    for (const Session& session : holders) {
        const Prefix* held = held_prefix(session, address, at);
        if (held == nullptr) {
            continue;
        }
        ++count;
        if (first == nullptr) {
            first = &session;
            prefix = held;
            continue;
        }
        // The same name in two realms is two subscribers.
        if (session.line != first->line || session.realm != first->realm) {
            return Answer{
                .certainty = Certainty::Ambiguous,
                .reason = address.text() + " was held by two lines at " + rfc3339(at) + ": " +
                          full_name(*first) + " (session " + first->id + " on " + first->nas +
                          ", " + since(*first) + ") and " + full_name(session) + " (session " +
                          session.id + " on " + session.nas + ", " + since(session) + ")"
            };
        }
    }
    if (first == nullptr) {
        return Answer{
            .certainty = Certainty::Unknown,
            .reason = "no session or table holds " + address.text() + " at " + rfc3339(at)
        };
    }
    if (first->line.empty()) {
        return Answer{
            .certainty = Certainty::Unknown,
            .reason = "session " + first->id + " on " + first->nas + " held " + address.text() +
                      " at " + rfc3339(at) + ", but it names no user"
        };
    }
    std::string reason = full_name(*first) + " held " + prefix->text() + " at " + rfc3339(at) +
                         " (session " + first->id + " on " + first->nas + ", " + since(*first);
    reason += first->end ? " until " + rfc3339(*first->end) : std::string{", open"};
    reason += count > 1 ? ", and " + std::to_string(count - 1) + " more of the same line)"
                        : std::string{")"};
    return Answer{
        .certainty = Certainty::Subscriber,
        .line = first->line,
        .realm = first->realm,
        .reason = std::move(reason)
    };
}

}  // namespace sekisho::line
