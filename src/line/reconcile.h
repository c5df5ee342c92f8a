// A source that says what is held now (a table, a lease file read anew) and what a store keeps as
// open of it: the changes that make them agree.
#pragma once

#include "base/time.h"
#include "line/line.h"

#include <functional>
#include <vector>

namespace sekisho::line {

struct Reconciling {
    // When a session of the store that isn't wanted any more ended; empty function: it stays open.
    std::function<Time(const Session& open)> ended;
    // When a wanted one that the store doesn't have began; not before what the store knows of it.
    Time began{};
};

// All of one NAS. What is open under the id of a wanted session with another line ends.
[[nodiscard]] std::vector<Session> reconcile(
    const std::vector<Session>& open, const std::vector<Session>& wanted, const Reconciling& how
);

}  // namespace sekisho::line
