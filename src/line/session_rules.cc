#include "line/session_rules.h"

#include "line/line.h"

#include <optional>

namespace sekisho::line {

Change change_by(const std::optional<KnownSession>& known, const Session& incoming) {
    if (!known) {
        return Change::Add;
    }
    if (known->end) {
        return incoming.start > *known->end ? Change::Add : Change::None;
    }
    // Interims and Stops need not name the user again (RFC 2866 §5.13).
    const bool same = incoming.line.empty() || known->line.empty() ||
                      (incoming.line == known->line && incoming.realm == known->realm);
    if (same) {
        return Change::Refresh;
    }
    return incoming.start > known->start ? Change::Replace : Change::None;
}

}  // namespace sekisho::line
