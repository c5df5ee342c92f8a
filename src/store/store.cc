#include "store/store.h"

#include "account/account.h"
#include "account/send_as.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/login_memory.h"
#include "delivery/tls/mta_sts.h"
#include "event/event.h"
#include "evidence/evidence.h"
#include "exemption/exemption.h"
#include "lease/lease.h"
#include "line/line.h"
#include "peer/greylist.h"
#include "queue/suppression.h"
#include "report/ledger.h"
#include "session/session.h"
#include "staff/staff.h"
#include "store/account_store.h"
#include "store/conduct_memory.h"
#include "store/evidence_store.h"
#include "store/forward_store.h"
#include "store/greylist_store.h"
#include "store/indexed_lines.h"
#include "store/journal.h"
#include "store/lease_store.h"
#include "store/limit_memory.h"
#include "store/line_store.h"
#include "store/login_memory.h"
#include "store/past_store.h"
#include "store/report_store.h"
#include "store/request_store.h"
#include "store/schema.h"
#include "store/send_as_store.h"
#include "store/session_store.h"
#include "store/sqlite.h"
#include "store/staff_store.h"
#include "store/sts_store.h"
#include "store/suppression_store.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::store {
namespace {

struct Connections {
    std::unique_ptr<Database> accounts, lines, lines_reading, writing, reading, leases, logins,
        settings, evidence, greylist, past, limits, conduct, mta_sts, staff, send_as, forwards,
        suppression, sessions, requests, reports;
};

class SqliteStore final : public Store {
  public:
    SqliteStore(
        Connections connections,
        std::unique_ptr<SqliteEvidenceStore> evidence,
        const StoreOptions& options
    )
        : accounts_(std::move(connections.accounts)),
          lines_(std::move(connections.lines)),
          journal_(std::move(connections.writing), std::move(connections.reading), options.journal),
          leases_(std::move(connections.leases)),
          greylist_(std::move(connections.greylist)),
          past_(std::move(connections.past)),
          mta_sts_(std::move(connections.mta_sts)),
          sessions_(std::move(connections.sessions)),
          requests_(std::move(connections.requests)),
          staff_(std::move(connections.staff)),
          send_as_(std::move(connections.send_as)),
          forwards_(std::move(connections.forwards)),
          suppression_(std::move(connections.suppression)),
          reports_(std::move(connections.reports)),
          evidence_(std::move(evidence)),
          logins_(std::move(connections.logins)),
          limits_(std::move(connections.limits)),
          conduct_(std::move(connections.conduct)),
          settings_(std::move(connections.settings)) {
        if (options.index_lines) {
            indexed_ =
                std::make_unique<IndexedLineStore>(lines_, std::move(connections.lines_reading));
        }
    }

    account::AccountStore& accounts() override { return accounts_; }
    account::SendAsStore& send_as() override { return send_as_; }
    account::ForwardStore& forwards() override { return forwards_; }
    line::LineStore& lines() override {
        return indexed_ ? static_cast<line::LineStore&>(*indexed_) : lines_;
    }
    LineIndexStatus line_index() const override {
        return indexed_ ? indexed_->status() : LineIndexStatus{};
    }
    event::Journal& journal() override { return journal_; }
    lease::LeaseStore& leases() override { return leases_; }
    evidence::EvidenceStore& evidence() override { return *evidence_; }
    conduct::LoginMemory& logins() override { return logins_; }
    peer::GreylistStore& greylist() override { return greylist_; }
    peer::PastStore& past() override { return past_; }
    delivery::StsStore& mta_sts() override { return mta_sts_; }
    session::SessionStore& sessions() override { return sessions_; }
    exemption::RequestStore& requests() override { return requests_; }
    staff::Store& staff() override { return staff_; }
    queue::SuppressionList& suppression() override { return suppression_; }
    report::Ledger& reports() override { return reports_; }
    limit::Memory& limits() override { return limits_; }
    conduct::Memory& conduct() override { return conduct_; }

    Result<std::optional<std::string>> setting(std::string_view key) override {
        const std::scoped_lock lock{mutex_};
        return read(key);
    }

    Status set_setting(std::string_view key, std::string_view value) override {
        const std::scoped_lock lock{mutex_};
        return settings_->run(
            "INSERT INTO settings (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            Blob{value}
        );
    }

    Status remove_setting(std::string_view key) override {
        const std::scoped_lock lock{mutex_};
        return settings_->run("DELETE FROM settings WHERE key = ?", key);
    }

    Result<std::string> setting_or_make(
        std::string_view key, const std::function<std::string()>& make
    ) override {
        const std::scoped_lock lock{mutex_};
        const auto known = read(key);
        if (!known) {
            return fail(known.error());
        }
        if (const std::optional<std::string>& value = *known; value.has_value()) {
            return *value;
        }
        // Whoever comes first decides; the others read what it wrote.
        const auto written = settings_->run(
            "INSERT OR IGNORE INTO settings (key, value) VALUES (?, ?)", key, Blob{make()}
        );
        if (!written) {
            return fail(written.error());
        }
        const auto kept = read(key);
        if (!kept) {
            return fail(kept.error());
        }
        if (const std::optional<std::string>& value = *kept; value.has_value()) {
            return *value;
        }
        return fail(Errc::Unavailable, "the setting " + std::string{key} + " has gone");
    }

    Result<std::int64_t> forget_events_before(Time time) override {
        return journal_.forget_before(time);
    }
    Result<std::int64_t> forget_sessions_before(Time time) override {
        return indexed_ ? indexed_->forget_before(time) : lines_.forget_before(time);
    }
    Result<std::int64_t> forget_leases_before(Time time) override {
        return leases_.forget_before(time);
    }
    Result<std::int64_t> forget_evidence_before(Time time) override {
        return evidence_->forget_before(time);
    }
    Result<std::int64_t> forget_greylist_before(Time time) override {
        return greylist_.forget_before(time);
    }
    Result<std::int64_t> forget_peers_before(Time time) override {
        return past_.forget_before(time);
    }
    Result<std::int64_t> forget_mta_sts_before(Time time) override {
        return mta_sts_.forget_before(time);
    }
    Result<std::int64_t> forget_send_as_before(Time time) override {
        return send_as_.forget_before(time);
    }
    Result<std::int64_t> forget_sessions_ended_by(Time now) override {
        return sessions_.forget_ended(now);
    }
    JournalCounters journal_counters() const override { return journal_.counters(); }

  private:
    Result<std::optional<std::string>> read(std::string_view key) {
        auto statement = settings_->prepare("SELECT value FROM settings WHERE key = ?");
        if (!statement) {
            return fail(statement.error());
        }
        const auto row = statement->bind(key).step();
        if (!row) {
            return fail(row.error());
        }
        return *row ? std::optional{statement->text()} : std::nullopt;
    }

    SqliteAccountStore accounts_;
    SqliteLineStore lines_;
    std::unique_ptr<IndexedLineStore> indexed_;  // null: lines_ itself is asked
    SqliteJournal journal_;
    SqliteLeaseStore leases_;
    SqliteGreylistStore greylist_;
    SqlitePastStore past_;
    SqliteStsStore mta_sts_;
    SqliteSessionStore sessions_;
    SqliteRequestStore requests_;
    SqliteStaffStore staff_;
    SqliteSendAsStore send_as_;
    SqliteForwardStore forwards_;
    SqliteSuppressionStore suppression_;
    SqliteReportStore reports_;
    std::unique_ptr<SqliteEvidenceStore> evidence_;
    SqliteLoginMemory logins_;
    SqliteLimitMemory limits_;
    SqliteConductMemory conduct_;
    std::mutex mutex_;
    std::unique_ptr<Database> settings_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_store(const std::string& path, const StoreOptions& options) {
    Connections made;
    // An account, a lease or a key that was said to be kept must survive the loss of power. Events
    // and sessions come by the thousand and are worth a sync only now and then.
    const std::pair<std::unique_ptr<Database>*, Database::Durability> wanted[] = {
        {&made.settings, Database::Durability::Full},
        {&made.accounts, Database::Durability::Full},
        {&made.send_as, Database::Durability::Full},
        {&made.leases, Database::Durability::Full},
        {&made.evidence, Database::Durability::Full},
        {&made.lines, Database::Durability::Normal},
        {&made.lines_reading, Database::Durability::Normal},
        {&made.logins, Database::Durability::Normal},
        {&made.greylist, Database::Durability::Normal},
        {&made.past, Database::Durability::Normal},
        {&made.mta_sts, Database::Durability::Normal},
        {&made.forwards, Database::Durability::Full},
        {&made.sessions, Database::Durability::Normal},
        {&made.requests, Database::Durability::Full},
        {&made.limits, Database::Durability::Normal},
        {&made.conduct, Database::Durability::Full},
        {&made.staff, Database::Durability::Full},
        {&made.suppression, Database::Durability::Normal},
        {&made.reports, Database::Durability::Full},
        {&made.writing, Database::Durability::Normal},
        {&made.reading, Database::Durability::Normal},
    };
    for (const auto& [where, durability] : wanted) {
        if (where == &made.lines_reading && !options.index_lines) {
            continue;
        }
        auto database =
            Database::open(path, {.durability = durability, .busy_timeout = options.busy_timeout});
        if (!database) {
            return fail(database.error());
        }
        *where = std::move(*database);
        if (where == &made.settings) {
            if (const auto ready = made.settings->migrate(schema_steps()); !ready) {
                return fail(ready.error());
            }
        }
    }
    auto evidence = SqliteEvidenceStore::make(std::move(made.evidence));
    if (!evidence) {
        return fail(evidence.error());
    }
    return std::make_unique<SqliteStore>(std::move(made), std::move(*evidence), options);
}

}  // namespace sekisho::store
