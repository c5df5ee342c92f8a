#include "line/reconcile.h"

#include "base/time.h"
#include "line/line.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sekisho::line {
namespace {

constexpr Duration kStep{1};

}  // namespace

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
        Session next = session;
        next.start = how.began;
        const auto known = by_id.find(session.id);
        if (known != by_id.end()) {
            const Session& before = *known->second;
            by_id.erase(known);
            if (before.line == session.line && before.realm == session.realm) {
                continue;
            }
            next.start = std::max(next.start, before.start + kStep);
            // Another line under the same id ends the one before, at the same moment; but what
            // names nobody would only get a name by it.
            if (before.line.empty() || session.line.empty()) {
                Session last = before;
                last.end = next.start;
                out.push_back(std::move(last));
                next.start += kStep;
            }
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
