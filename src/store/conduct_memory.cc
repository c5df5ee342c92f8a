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

using Kind = conduct::Subject::Kind;

constexpr double kMilli = 1000;  // scores are kept in thousandths of a point

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& one : lines) {
        out += (out.empty() ? "" : "\n") + one;
    }
    return out;
}

// `table` is called "conduct (account" or "conduct_of_lines (line".
std::string keeping(const std::string& table) {
    return "INSERT INTO " + table +
           ", stage, since, score, scored, suspicious, reason, by, evidence, exempt) "
           "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT "
           "DO UPDATE SET stage = excluded.stage, since = excluded.since, "
           "score = excluded.score, scored = excluded.scored, "
           "suspicious = excluded.suspicious, reason = excluded.reason, by = excluded.by, "
           "evidence = excluded.evidence, exempt = excluded.exempt";
}

}  // namespace

Status SqliteConductMemory::keep(std::span<const conduct::Record> records) {
    // Prepared statements are found by their text, which has to stay.
    static const std::string kOfAccount = keeping("conduct (account");
    static const std::string kOfLine = keeping("conduct_of_lines (line");
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        for (const conduct::Record& record : records) {
            const conduct::State& state = record.state;
            const std::string evidence = joined(state.evidence);
            const bool of_line = record.subject.kind == Kind::Line;
            Status kept = database_->run(
                of_line ? kOfLine : kOfAccount,
                std::string_view{record.subject.id},
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
        "SELECT 0, account, stage, since, score, scored, suspicious, reason, by, evidence, exempt "
        "FROM conduct UNION ALL "
        "SELECT 1, line, stage, since, score, scored, suspicious, reason, by, evidence, exempt "
        "FROM conduct_of_lines ORDER BY 1, 2"
    );
    if (!statement) {
        return fail(statement.error());
    }
    return statement->all([](Statement& row) {
        conduct::Record out;
        out.subject.kind = row.boolean() ? Kind::Line : Kind::Account;
        out.subject.id = row.text();
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
