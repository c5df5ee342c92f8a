#include "line/memory_store.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/session_rules.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::line {

void MemoryLineStore::hold(std::size_t session, const Prefix& prefix, Time from) {
    lengths_.emplace(prefix.is_v4(), prefix.length());
    held_[prefix].push_back(Held{.session = session, .from = from});
}

void MemoryLineStore::end(std::size_t session, Time at) {
    Session& known = sessions_[session];
    known.end = std::max(at, known.start);
}

void MemoryLineStore::add(const Session& session) {
    const std::size_t index = sessions_.size();
    sessions_.push_back(session);
    if (session.end) {
        end(index, *session.end);
    }
    newest_[{session.nas, session.id}] = index;
    for (const Prefix& prefix : session.prefixes) {
        hold(index, prefix, session.start);
    }
}

Status MemoryLineStore::put(const Session& session) {
    const auto found = newest_.find({session.nas, session.id});
    std::optional<KnownSession> newest;
    if (found != newest_.end()) {
        const Session& known = sessions_[found->second];
        newest = KnownSession{known.line, known.realm, known.start, known.end};
    }
    switch (change_by(newest, session)) {
        case Change::None:
            return {};
        case Change::Replace:
            end(found->second, session.start);
            [[fallthrough]];
        case Change::Add:
            add(session);
            return {};
        case Change::Refresh:
            break;
    }
    Session& known = sessions_[found->second];
    known.seen = std::max(known.seen, session.seen);
    if (known.line.empty()) {
        known.line = session.line;
        known.realm = session.realm;
    }
    for (const Prefix& prefix : session.prefixes) {
        if (std::ranges::find(known.prefixes, prefix) == known.prefixes.end()) {
            known.prefixes.push_back(prefix);
            // What is late in coming doesn't reach back before the session.
            hold(found->second, prefix, std::max(session.seen, known.start));
        }
    }
    if (session.end) {
        end(found->second, *session.end);
    }
    return {};
}

Status MemoryLineStore::stop(const std::string& nas, const std::string& id, Time at) {
    const auto found = newest_.find({nas, id});
    if (found == newest_.end()) {
        return fail(Errc::NotFound, "no session " + id + " on " + nas);
    }
    if (!sessions_[found->second].end) {
        end(found->second, at);
    }
    return {};
}

Status MemoryLineStore::stop_all(const std::string& nas, Time at) {
    for (const auto& [key, index] : newest_) {
        const Session& known = sessions_[index];
        // What began after the restart isn't ended by news of it that come late.
        if (key.first == nas && !known.end && known.start <= at) {
            end(index, at);
        }
    }
    return {};
}

Result<std::vector<Session>> MemoryLineStore::holders(
    const IpAddress& address, Time at, std::optional<std::uint16_t> port
) {
    std::vector<Session> out;
    for (const auto& [v4, length] : lengths_) {
        if (v4 != address.is_v4()) {
            continue;
        }
        const Prefix prefix{address, length};
        const auto found = held_.find(prefix);
        if (found == held_.end()) {
            continue;
        }
        for (const Held& held : found->second) {
            const Session& session = sessions_[held.session];
            if (held.from <= at && !(session.end && *session.end <= at) &&
                session.uses(prefix, port)) {
                out.push_back(session);
                out.back().prefixes = {prefix};
            }
        }
    }
    return out;
}

Status MemoryLineStore::each_open(const std::function<void(const Session&)>& visit) {
    for (const Session& session : sessions_) {
        if (!session.end) {
            visit(session);
        }
    }
    return {};
}

Result<std::vector<Session>> MemoryLineStore::sessions_of(
    const std::string& line, std::size_t limit
) {
    std::vector<Session> out;
    std::ranges::copy_if(sessions_, std::back_inserter(out), [&](const Session& session) {
        return session.line == line;
    });
    std::ranges::sort(out, std::ranges::greater{}, &Session::start);
    out.resize(std::min(out.size(), limit));
    return out;
}

Result<std::vector<Session>> MemoryLineStore::open_on(const std::string& nas) {
    std::vector<Session> out;
    std::ranges::copy_if(sessions_, std::back_inserter(out), [&](const Session& session) {
        return session.nas == nas && !session.end;
    });
    return out;
}

Result<std::vector<std::string>> MemoryLineStore::open_nas() {
    std::set<std::string> out;
    for (const Session& session : sessions_) {
        if (!session.end) {
            out.insert(session.nas);
        }
    }
    return std::vector(out.begin(), out.end());
}

Result<bool> MemoryLineStore::knows(const std::string& nas) {
    return std::ranges::find(sessions_, nas, &Session::nas) != sessions_.end();
}

}  // namespace sekisho::line
