// What was seen, and the reports of ours that are made of it.
#include "store/report_store.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "report/dmarc.h"
#include "report/ledger.h"
#include "report/tls.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

using report::Job;
using report::Slot;

namespace {

// Lists of URIs and names, which have no line ends.
std::string joined(const std::vector<std::string>& all) {
    std::string out;
    for (const std::string& one : all) {
        out += (out.empty() ? "" : "\n") + one;
    }
    return out;
}

std::vector<std::string> parted(const std::string& text) {
    std::vector<std::string> out;
    for (const std::string_view one : split(text, '\n')) {
        if (!one.empty()) {
            out.emplace_back(one);
        }
    }
    return out;
}

// kind, day, domain, state, id, queue_id, open, tries, first_try, next_try, detail
Job read_job(Statement& row) {
    Job job;
    job.slot.kind = report::parse_kind(row.text()).value_or(report::Kind::Dmarc);
    job.slot.day = row.integer();
    job.slot.domain = row.text();
    job.state = static_cast<Job::State>(row.integer());
    job.id = row.text();
    job.queue_id = row.text();
    job.open = parted(row.text());
    job.tries = static_cast<int>(row.integer());
    job.first_try = row.time();
    job.next_try = row.time();
    job.detail = row.text();
    return job;
}

Job read_due(Statement& row) {
    Job job = read_job(row);
    job.count = static_cast<std::uint64_t>(row.integer());
    return job;
}

constexpr std::string_view kDue =
    "WITH seen AS ("
    " SELECT 'dmarc' AS kind, p.day AS day, p.domain AS domain, (SELECT COALESCE(SUM(s.count), 0)"
    "  FROM dmarc_seen s WHERE s.day = p.day AND s.domain = p.domain) AS count"
    " FROM dmarc_published p WHERE p.day < ?"
    " UNION ALL"
    " SELECT 'tls', day, domain, SUM(count) FROM tls_seen WHERE day < ? GROUP BY day, domain) "
    "SELECT seen.kind, seen.day, seen.domain, COALESCE(j.state, 0), COALESCE(j.id, ''), "
    "COALESCE(j.queue_id, ''), COALESCE(j.open, ''), COALESCE(j.tries, 0), "
    "COALESCE(j.first_try, 0), COALESCE(j.next_try, 0), COALESCE(j.detail, ''), seen.count "
    "FROM seen LEFT JOIN report_jobs j "
    "ON j.kind = seen.kind AND j.day = seen.day AND j.domain = seen.domain "
    "WHERE COALESCE(j.state, 0) != 2 ORDER BY seen.day, seen.kind, seen.domain LIMIT ?";

}  // namespace

// False: no room.
Result<bool> SqliteReportStore::add(const report::Batch::Dmarc& one) {
    const std::string& domain = one.policy.domain;
    Status done = database_->run(
        "INSERT INTO dmarc_published (day, domain, policy, rua, organization) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, domain) DO UPDATE SET "
        "policy = excluded.policy, rua = excluded.rua, organization = excluded.organization",
        one.day,
        std::string_view{domain},
        std::string_view{pack(one.policy)},
        std::string_view{joined(one.rua)},
        std::string_view{one.organization}
    );
    if (!done) {
        return fail(done.error());
    }
    // One statement for what is there, so that the number of rows is asked for new ones only.
    done = database_->run(
        "UPDATE dmarc_seen SET count = count + ? WHERE day = ? AND domain = ? AND row = ?",
        static_cast<std::int64_t>(one.count),
        one.day,
        std::string_view{domain},
        std::string_view{one.row}
    );
    if (!done || database_->changes() > 0) {
        return done ? Result<bool>(true) : fail(done.error());
    }
    done = database_->run(
        "INSERT INTO dmarc_seen (day, domain, row, count) SELECT ?1, ?2, ?3, ?4 "
        "WHERE (SELECT COUNT(*) FROM dmarc_seen WHERE day = ?1 AND domain = ?2) < ?5",
        one.day,
        std::string_view{domain},
        std::string_view{one.row},
        static_cast<std::int64_t>(one.count),
        static_cast<std::int64_t>(report::kRowsMax)
    );
    return done ? Result<bool>(database_->changes() > 0) : fail(done.error());
}

Result<bool> SqliteReportStore::add(const report::Batch::Tls& one) {
    const Status done = database_->run(
        "INSERT INTO tls_seen (day, domain, policy, failure, count) SELECT ?1, ?2, ?3, ?4, ?5 "
        "WHERE (SELECT COUNT(*) FROM tls_seen WHERE day = ?1 AND domain = ?2) < ?6 "
        "ON CONFLICT (day, domain, policy, failure) DO UPDATE SET count = count + excluded.count",
        one.day,
        std::string_view{one.domain},
        std::string_view{one.policy},
        std::string_view{one.failure},
        static_cast<std::int64_t>(one.count),
        static_cast<std::int64_t>(report::kRowsMax)
    );
    return done ? Result<bool>(database_->changes() > 0) : fail(done.error());
}

Result<std::uint64_t> SqliteReportStore::add(const report::Batch& batch) {
    const std::scoped_lock lock{mutex_};
    std::uint64_t without_room = 0;
    const Status done = database_->transaction([&]() -> Status {
        const auto take = [&](const auto& all) -> Status {
            for (const auto& one : all) {
                const auto added = add(one);
                if (!added) {
                    return fail(added.error());
                }
                without_room += *added ? 0 : one.count;
            }
            return {};
        };
        Status taken = take(batch.dmarc);
        return taken ? take(batch.tls) : taken;
    });
    if (!done) {
        return fail(done.error());
    }
    return without_room;
}

Result<std::vector<Job>> SqliteReportStore::due(report::Day until, std::size_t limit) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(kDue);
    if (!statement) {
        return fail(statement.error());
    }
    return statement->bind_all(until, until, static_cast<std::int64_t>(limit)).all(read_due);
}

Result<std::vector<Job>> SqliteReportStore::jobs(Job::State state) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT kind, day, domain, state, id, queue_id, open, tries, first_try, next_try, detail "
        "FROM report_jobs WHERE state = ? ORDER BY day DESC, kind, domain LIMIT 10000"
    );
    if (!statement) {
        return fail(statement.error());
    }
    return statement->bind(static_cast<std::int64_t>(state)).all(read_job);
}

Result<std::optional<Job>> SqliteReportStore::job(const Slot& slot) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT kind, day, domain, state, id, queue_id, open, tries, first_try, next_try, detail "
        "FROM report_jobs WHERE kind = ? AND day = ? AND domain = ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row =
        statement->bind_all(name(slot.kind), slot.day, std::string_view{slot.domain}).step();
    if (!row) {
        return fail(row.error());
    }
    return *row ? std::optional(read_job(*statement)) : std::nullopt;
}

Result<report::DmarcDay> SqliteReportStore::dmarc_day(const Slot& slot) {
    const std::scoped_lock lock{mutex_};
    report::DmarcDay out;
    auto policy = database_->prepare(
        "SELECT policy, rua, organization FROM dmarc_published WHERE day = ? AND domain = ?"
    );
    if (!policy) {
        return fail(policy.error());
    }
    const auto there = policy->bind_all(slot.day, std::string_view{slot.domain}).step();
    if (!there || !*there) {
        return there ? fail(Errc::NotFound, "nothing was seen of " + slot.domain + " on that day")
                     : fail(there.error());
    }
    auto read = report::unpack_policy(policy->text());
    if (!read) {
        return fail(read.error());
    }
    out.policy = std::move(*read);
    out.rua = parted(policy->text());
    out.organization = policy->text();
    auto rows = database_->prepare(
        "SELECT row, count FROM dmarc_seen WHERE day = ? AND domain = ? ORDER BY count DESC, row"
    );
    if (!rows) {
        return fail(rows.error());
    }
    rows->bind_all(slot.day, std::string_view{slot.domain});
    const Status gathered = rows->each([&](Statement& one) -> Status {
        auto row = report::unpack_row(one.text());
        if (!row) {
            return fail(row.error());
        }
        out.rows.push_back({std::move(*row), static_cast<std::uint64_t>(one.integer())});
        return {};
    });
    if (!gathered) {
        return fail(gathered.error());
    }
    return out;
}

Result<std::vector<report::TlsResult>> SqliteReportStore::tls_day(const Slot& slot) {
    const std::scoped_lock lock{mutex_};
    auto rows = database_->prepare(
        "SELECT policy, failure, count FROM tls_seen WHERE day = ? AND domain = ? "
        "ORDER BY policy, failure"
    );
    if (!rows) {
        return fail(rows.error());
    }
    rows->bind_all(slot.day, std::string_view{slot.domain});
    std::vector<report::TlsResult> out;
    const Status read = rows->each([&](Statement& row) -> Status {
        auto policy = report::unpack_tls_policy(row.text());
        auto failure = report::unpack_failure(row.text());
        if (!policy || !failure) {
            return fail(policy ? failure.error() : policy.error());
        }
        const auto count = static_cast<std::uint64_t>(row.integer());
        if (out.empty() || out.back().policy != *policy) {
            out.emplace_back();
            out.back().policy = std::move(*policy);
        }
        if (failure->type.empty()) {
            out.back().succeeded += count;
        } else {
            out.back().failed += count;
            out.back().failures.push_back({std::move(*failure), count});
        }
        return {};
    });
    if (!read) {
        return fail(read.error());
    }
    return out;
}

Status SqliteReportStore::put(const Job& one) {
    const std::scoped_lock lock{mutex_};
    const std::string_view domain{one.slot.domain};
    return database_->transaction([&]() -> Status {
        Status done = database_->run(
            "INSERT INTO report_jobs (kind, day, domain, state, id, queue_id, open, tries, "
            "first_try, next_try, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, day, domain) DO UPDATE SET state = excluded.state, "
            "id = excluded.id, queue_id = excluded.queue_id, open = excluded.open, "
            "tries = excluded.tries, first_try = excluded.first_try, "
            "next_try = excluded.next_try, detail = excluded.detail",
            name(one.slot.kind),
            one.slot.day,
            domain,
            static_cast<std::int64_t>(one.state),
            std::string_view{one.id},
            std::string_view{one.queue_id},
            std::string_view{joined(one.open)},
            std::int64_t{one.tries},
            one.first_try,
            one.next_try,
            std::string_view{one.detail}
        );
        if (!done || one.state != Job::State::Done) {
            return done;
        }
        if (one.slot.kind == report::Kind::Tls) {
            return database_->run(
                "DELETE FROM tls_seen WHERE day = ? AND domain = ?", one.slot.day, domain
            );
        }
        done = database_->run(
            "DELETE FROM dmarc_seen WHERE day = ? AND domain = ?", one.slot.day, domain
        );
        return done ? database_->run(
                          "DELETE FROM dmarc_published WHERE day = ? AND domain = ?",
                          one.slot.day,
                          domain
                      )
                    : done;
    });
}

Result<std::int64_t> SqliteReportStore::forget(report::Day seen_before, Time received_before) {
    const std::scoped_lock lock{mutex_};
    std::int64_t gone = 0;
    const Status done = database_->transaction([&]() -> Status {
        for (const std::string_view sql :
             {std::string_view("DELETE FROM dmarc_seen WHERE day < ?"),
              std::string_view("DELETE FROM dmarc_published WHERE day < ?"),
              std::string_view("DELETE FROM tls_seen WHERE day < ?"),
              std::string_view("DELETE FROM report_jobs WHERE day < ?")}) {
            if (Status one = database_->run(sql, seen_before); !one) {
                return one;
            }
            gone += database_->changes();
        }
        for (const std::string_view sql :
             {std::string_view("DELETE FROM received_rows WHERE report IN "
                               "(SELECT id FROM received_reports WHERE at < ?)"),
              std::string_view("DELETE FROM received_tls WHERE report IN "
                               "(SELECT id FROM received_reports WHERE at < ?)"),
              std::string_view("DELETE FROM received_reports WHERE at < ?")}) {
            if (Status one = database_->run(sql, received_before); !one) {
                return one;
            }
            gone += database_->changes();
        }
        return {};
    });
    if (!done) {
        return fail(done.error());
    }
    return gone;
}

}  // namespace sekisho::store
