// What the reports of src/report are made of, and those of others, in SQLite. Thread-safe: one
// connection, one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "report/ledger.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteReportStore final : public report::Ledger {
  public:
    explicit SqliteReportStore(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    [[nodiscard]] Result<std::uint64_t> add(const report::Batch& batch) override;
    [[nodiscard]] Result<std::vector<report::Job>> due(report::Day until, std::size_t limit)
        override;
    [[nodiscard]] Result<std::vector<report::Job>> jobs(report::Job::State state) override;
    [[nodiscard]] Result<std::optional<report::Job>> job(const report::Slot& slot) override;
    [[nodiscard]] Result<report::DmarcDay> dmarc_day(const report::Slot& slot) override;
    [[nodiscard]] Result<std::vector<report::TlsResult>> tls_day(const report::Slot& slot) override;
    Status put(const report::Job& one) override;
    [[nodiscard]] Result<bool> receive(const report::Received& one) override;
    [[nodiscard]] Result<std::vector<report::ReceivedFacts>> received(
        const report::ReceivedQuery& query
    ) override;
    [[nodiscard]] Result<report::Received> received(std::int64_t id) override;
    [[nodiscard]] Result<std::vector<report::SourceSum>> sources(const report::ReceivedQuery& query
    ) override;
    [[nodiscard]] Result<std::vector<report::TlsSum>> tls_sums(const report::ReceivedQuery& query
    ) override;
    Result<std::int64_t> forget(report::Day seen_before, Time received_before) override;

  private:
    Result<bool> add(const report::Batch::Dmarc& one);
    Result<bool> add(const report::Batch::Tls& one);
    Status keep_rows(std::int64_t id, const report::Received& whole);
    Result<report::Received> read_dmarc(const report::ReceivedFacts& facts);
    Result<report::Received> read_tls(const report::ReceivedFacts& facts);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store
