#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::line {
namespace {

using Port = std::optional<std::uint16_t>;

const Prefix* held_prefix(const Session& session, const IpAddress& address, Time at, Port port) {
    if (session.start > at || (session.end && *session.end <= at)) {
        return nullptr;
    }
    const auto found = std::ranges::find_if(session.prefixes, [&](const Prefix& prefix) {
        return prefix.contains(address) && session.uses(prefix, port);
    });
    return found == session.prefixes.end() ? nullptr : &*found;
}

std::string full_name(const Session& session) {
    return session.realm.empty() ? session.line : session.line + "@" + session.realm;
}

std::string held_text(const Session& session, const Prefix& prefix) {
    return (session.shares(prefix) ? "ports " + session.ports.text() + " of " : "") + prefix.text();
}

std::string since(const Session& session) {
    return session.start == Time{} ? std::string{"without a beginning"}
                                   : "since " + rfc3339(session.start);
}

}  // namespace

Status LineStore::put_all(std::span<const Session> sessions) {
    for (const Session& session : sessions) {
        if (Status kept = put(session); !kept) {
            return kept;
        }
    }
    return {};
}

Result<Holder> LineStore::holder(
    const IpAddress& address, Time at, std::optional<std::uint16_t> port
) {
    const auto sessions = holders(address, at, port);
    if (!sessions) {
        return fail(sessions.error());
    }
    Answer answer = resolve(*sessions, address, at, port);
    return Holder{answer.certainty, std::move(answer.line), std::move(answer.realm)};
}

Answer resolve(const std::vector<Session>& holders, const IpAddress& address, Time at, Port port) {
    const std::string what = address.text() + (port ? " port " + std::to_string(*port) : "");
    const Session* first = nullptr;
    const Prefix* prefix = nullptr;
    std::size_t count = 0;
    bool whole = port.has_value();  // or one of them has the address to itself
    for (const Session& session : holders) {
        const Prefix* held = held_prefix(session, address, at, port);
        if (held == nullptr) {
            continue;
        }
        ++count;
        whole = whole || !session.shares(*held);
        if (first == nullptr) {
            first = &session;
            prefix = held;
            continue;
        }
        // The same name in two realms is two subscribers.
        if (session.line != first->line || session.realm != first->realm) {
            return Answer{
                .certainty = Certainty::Ambiguous,
                .reason = what + " was held by two lines at " + rfc3339(at) + ": " +
                          full_name(*first) + " (session " + first->id + " on " + first->nas +
                          ", " + since(*first) + ") and " + full_name(session) + " (session " +
                          session.id + " on " + session.nas + ", " + since(session) + ")"
            };
        }
    }
    if (first == nullptr) {
        return Answer{
            .certainty = Certainty::Unknown,
            .reason = "no session or table holds " + what + " at " + rfc3339(at)
        };
    }
    if (first->line.empty()) {
        return Answer{
            .certainty = Certainty::Unknown,
            .reason = "session " + first->id + " on " + first->nas + " held " + what + " at " +
                      rfc3339(at) + ", but it names no user"
        };
    }
    if (!whole) {
        return Answer{
            .certainty = Certainty::Ambiguous,
            .reason = full_name(*first) + " held ports " + first->ports.text() + " of " +
                      prefix->text() + " at " + rfc3339(at) +
                      "; the address is shared, and without a port nobody can be told from it"
        };
    }
    std::string reason = full_name(*first) + " held " + held_text(*first, *prefix) + " at " +
                         rfc3339(at) + " (session " + first->id + " on " + first->nas + ", " +
                         since(*first);
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
