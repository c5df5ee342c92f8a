#include "line/reconcile.h"

#include "line/line.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sekisho::line {

std::vector<Session> reconcile(
    const std::vector<Session>& open, const std::vector<Session>& wanted, const Reconciling& how
) {
    std::unordered_map<std::string_view, const Session*> by_id;
    by_id.reserve(open.size());
    for (const Session& session : open) {
        by_id.emplace(session.id, &session);
    }
    std::vector<Session> out;
    for (const Session& session : wanted) {
        const auto known = by_id.find(session.id);
        if (known != by_id.end()) {
            const Session& before = *known->second;
            by_id.erase(known);
            if (before.line == session.line && before.realm == session.realm) {
                continue;
            }
            Session last = before;
            last.end = std::max(how.began, before.start);
            out.push_back(last);
        }
        Session next = session;
        next.start = how.began;
        if (!out.empty() && out.back().id == next.id) {
            next.start = std::max(next.start, *out.back().end + Duration{1});
        }
        next.seen = std::max(next.start, session.seen);
        out.push_back(std::move(next));
    }
    for (const Session& session : open) {
        if (how.ended && by_id.contains(session.id)) {
            Session last = session;
            last.end = std::max(how.ended(session), session.start);
            out.push_back(std::move(last));
        }
    }
    return out;
}

}  // namespace sekisho::line
