// Accounts and domains whose mail an operator stopped: kept in the store, so that a restart
// changes nothing, and in force in the table that delivery asks.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"
#include "queue/spool.h"
#include "queue/suspension.h"
#include "store/store.h"

#include <mutex>

namespace sekisho::cli {

[[nodiscard]] Json to_json(const queue::Suspension& suspension);

class SuspensionKeeper {
  public:
    // `spool` is told to try again what was suspended.
    SuspensionKeeper(store::Store& store, queue::Spool& spool) : store_(store), spool_(spool) {}

    // What was in force before. An unreadable list is an error: mail of a suspended account would
    // leave.
    Status load();
    // Members "account" or "domain", "until" (RFC 3339, optional), "who", "reason".
    [[nodiscard]] Result<Json> suspend(const Json& request);
    [[nodiscard]] Result<Json> resume(const Json& request);
    [[nodiscard]] Json list() const;
    // Ends those whose time is over.
    void tick(Time now);

    [[nodiscard]] const queue::Suspensions& table() const { return table_; }

  private:
    Status save(const queue::Suspensions& table);
    void journal(const queue::Suspension& suspension, event::Kind kind, const std::string& detail);
    void try_again(const queue::Suspension& suspension);

    store::Store& store_;
    queue::Spool& spool_;
    queue::Suspensions table_;
    std::mutex mutex_;  // one change at a time
};

}  // namespace sekisho::cli
