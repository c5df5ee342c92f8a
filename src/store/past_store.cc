#include "store/past_store.h"

#include "base/result.h"
#include "base/time.h"
#include "peer/past.h"
#include "store/sqlite.h"

#include <cmath>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

// Sums are kept in thousandths.
std::int64_t written(double sum) {
    return std::llround(sum * 1000);
}
double read(Statement& statement) {
    return static_cast<double>(statement.integer()) / 1000;
}

}  // namespace

Result<std::optional<peer::Past>> SqlitePastStore::find(std::string_view key) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT messages, recipients, refused, bad, first, last FROM peer_past WHERE key = ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(key).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return std::optional<peer::Past>{};
    }
    peer::Past past;
    past.messages = read(*statement);
    past.recipients = read(*statement);
    past.refused_recipients = read(*statement);
    past.bad = read(*statement);
    past.first = statement->time();
    past.last = statement->time();
    return std::optional{past};
}

Status SqlitePastStore::remember(const std::vector<std::pair<std::string, peer::Past>>& all) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        for (const auto& [key, past] : all) {
            const Status kept = database_->run(
                "INSERT INTO peer_past (key, messages, recipients, refused, bad, first, last) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET messages = "
                "excluded.messages, recipients = excluded.recipients, refused = excluded.refused, "
                "bad = excluded.bad, last = excluded.last",
                std::string_view(key),
                written(past.messages),
                written(past.recipients),
                written(past.refused_recipients),
                written(past.bad),
                past.first,
                past.last
            );
            if (!kept) {
                return kept;
            }
        }
        return {};
    });
}

Result<std::int64_t> SqlitePastStore::forget_before(Time time) {
    const std::scoped_lock lock{mutex_};
    if (const Status done = database_->run("DELETE FROM peer_past WHERE last < ?", time); !done) {
        return fail(done.error());
    }
    return database_->changes();
}

}  // namespace sekisho::store
