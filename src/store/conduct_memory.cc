#include "store/conduct_memory.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/machine.h"
#include "conduct/warden.h"
#include "store/sqlite.h"

#include <cmath>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::store {
namespace {

constexpr double kMilli = 1000;  // scores are kept in thousandths of a point

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& one : lines) {
        out += (out.empty() ? "" : "\n") + one;
    }
    return out;
}

}  // namespace

Status SqliteConductMemory::keep(std::span<const conduct::Record> records) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        for (const conduct::Record& record : records) {
            const conduct::State& state = record.state;
            const std::string evidence = joined(state.evidence);
            Status kept = database_->run(
                "INSERT INTO conduct (account, stage, since, score, scored, suspicious, reason, "
                "by, evidence, exempt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account) "
                "DO UPDATE SET stage = excluded.stage, since = excluded.since, "
                "score = excluded.score, scored = excluded.scored, "
                "suspicious = excluded.suspicious, reason = excluded.reason, by = excluded.by, "
                "evidence = excluded.evidence, exempt = excluded.exempt",
                std::string_view{record.account},
                conduct::name(state.stage),
                state.since,
                std::int64_t{std::llround(state.score * kMilli)},
                state.scored,
                state.suspicious,
                std::string_view{state.reason},
                std::string_view{state.by},
                std::string_view{evidence},
                state.exempt
            );
            if (!kept) {
                return kept;
            }
        }
        return {};
    });
}

Result<std::vector<conduct::Record>> SqliteConductMemory::records() {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT account, stage, since, score, scored, suspicious, reason, by, evidence, exempt "
        "FROM conduct ORDER BY account"
    );
    if (!statement) {
        return fail(statement.error());
    }
    return statement->all([](Statement& row) {
        conduct::Record out;
        out.account = row.text();
        // One that can't be read is from a newer version: the safe side is to go on as before it.
        out.state.stage = conduct::parse_stage(row.text()).value_or(conduct::Stage::Hold);
        out.state.since = row.time();
        out.state.score = static_cast<double>(row.integer()) / kMilli;
        out.state.scored = row.time();
        out.state.suspicious = row.time();
        out.state.reason = row.text();
        out.state.by = row.text();
        const std::string evidence = row.text();
        for (const std::string_view one : split(evidence, '\n')) {
            if (!one.empty()) {
                out.state.evidence.emplace_back(one);
            }
        }
        out.state.exempt = row.boolean();
        return out;
    });
}

}  // namespace sekisho::store
