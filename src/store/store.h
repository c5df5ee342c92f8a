// The store of one machine: one SQLite file in which every role keeps what it shares with the
// others. Several processes may have it open at once, each by its own open_store(); open it after a
// fork, never before. Everything here may be called from any thread, and may wait for the disk
// (except Journal::append): on a worker, not on an event loop.
#pragma once

#include "account/account.h"
#include "account/forwarding.h"
#include "account/send_as.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/login_memory.h"
#include "conduct/warden.h"
#include "delivery/tls/mta_sts.h"
#include "event/event.h"
#include "evidence/evidence.h"
#include "exemption/exemption.h"
#include "lease/lease.h"
#include "limit/memory.h"
#include "line/line.h"
#include "peer/greylist.h"
#include "peer/past.h"
#include "queue/suppression.h"
#include "report/ledger.h"
#include "session/session.h"
#include "staff/staff.h"
#include "store/indexed_lines.h"
#include "store/journal.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::store {

struct StoreOptions {
    JournalOptions journal;
    Duration busy_timeout{5000};  // how long a writer waits for one of another process
    // lines() answers from memory (IndexedLineStore). For the process that writes sessions alone.
    bool index_lines = false;
};

class Store {
  public:
    virtual ~Store() = default;
    [[nodiscard]] virtual account::AccountStore& accounts() = 0;
    [[nodiscard]] virtual account::SendAsStore& send_as() = 0;
    [[nodiscard]] virtual account::ForwardStore& forwards() = 0;
    [[nodiscard]] virtual line::LineStore& lines() = 0;
    [[nodiscard]] virtual LineIndexStatus line_index() const = 0;  // of StoreOptions::index_lines
    [[nodiscard]] virtual event::Journal& journal() = 0;
    [[nodiscard]] virtual lease::LeaseStore& leases() = 0;
    [[nodiscard]] virtual evidence::EvidenceStore& evidence() = 0;
    [[nodiscard]] virtual conduct::LoginMemory& logins() = 0;
    [[nodiscard]] virtual peer::GreylistStore& greylist() = 0;
    [[nodiscard]] virtual limit::Memory& limits() = 0;
    [[nodiscard]] virtual conduct::Memory& conduct() = 0;
    [[nodiscard]] virtual peer::PastStore& past() = 0;
    [[nodiscard]] virtual delivery::StsStore& mta_sts() = 0;
    [[nodiscard]] virtual session::SessionStore& sessions() = 0;
    [[nodiscard]] virtual exemption::RequestStore& requests() = 0;
    [[nodiscard]] virtual staff::Store& staff() = 0;
    [[nodiscard]] virtual queue::SuppressionList& suppression() = 0;
    [[nodiscard]] virtual report::Ledger& reports() = 0;

    // Small facts of the installation, such as its keys. A value may be any bytes.
    [[nodiscard]] virtual Result<std::optional<std::string>> setting(std::string_view key) = 0;
    virtual Status set_setting(std::string_view key, std::string_view value) = 0;
    virtual Status remove_setting(std::string_view key) = 0;  // one that isn't there: done already
    // The value that is there, or else the one that `make` gives, kept: when several processes ask
    // at once, all are told the same.
    [[nodiscard]] virtual Result<std::string> setting_or_make(
        std::string_view key, const std::function<std::string()>& make
    ) = 0;

    // Retention. Each returns how many rows went.
    virtual Result<std::int64_t> forget_events_before(Time time) = 0;
    virtual Result<std::int64_t> forget_sessions_before(Time time) = 0;  // that ended before
    virtual Result<std::int64_t> forget_leases_before(Time time) = 0;    // the same
    virtual Result<std::int64_t> forget_evidence_before(Time time) = 0;  // erased before
    virtual Result<std::int64_t> forget_greylist_before(Time time) = 0;  // last seen before
    virtual Result<std::int64_t> forget_peers_before(Time time) = 0;     // the same, of past()
    virtual Result<std::int64_t> forget_mta_sts_before(Time time) = 0;   // that expired before
    virtual Result<std::int64_t> forget_send_as_before(Time time) = 0;   // codes, and unproven

    virtual Result<std::int64_t> forget_sessions_ended_by(Time now) = 0;  // of the web

    [[nodiscard]] virtual JournalCounters journal_counters() const = 0;
};

// Makes the file (mode 0660 less the umask) when there is none, and brings an older one up to date.
// Errors name the file: NotFound (no such folder), Denied (not writable), Corrupt (no database,
// damaged, another program's, or of a newer version).
[[nodiscard]] Result<std::unique_ptr<Store>> open_store(
    const std::string& path, const StoreOptions& options = {}
);

}  // namespace sekisho::store
