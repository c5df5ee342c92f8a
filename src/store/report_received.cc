// Reports of others about us: kept by their rows, so that sums are one question.
#include "base/result.h"
#include "base/time.h"
#include "report/dmarc.h"
#include "report/incoming.h"
#include "report/ledger.h"
#include "report/tls.h"
#include "store/report_store.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::store {

using report::Received;
using report::ReceivedFacts;
using report::ReceivedQuery;

namespace {

// id, kind, at, mail_from, verified, organization, report_id, domain, begin, end, good, bad
ReceivedFacts read_facts(Statement& row) {
    ReceivedFacts out;
    out.id = row.integer();
    out.kind = report::parse_kind(row.text()).value_or(report::Kind::Dmarc);
    out.at = row.time();
    out.from = row.text();
    out.verified = row.boolean();
    out.organization = row.text();
    out.report_id = row.text();
    out.domain = row.text();
    out.begin = row.time();
    out.end = row.time();
    out.good = static_cast<std::uint64_t>(row.integer());
    out.bad = static_cast<std::uint64_t>(row.integer());
    return out;
}

// Since when, of which domain (three times), verified ones only, how many.
void bind_sums(Statement& statement, const ReceivedQuery& query) {
    const std::string_view domain{query.domain};
    statement.bind_all(
        query.since,
        domain,
        domain,
        domain,
        query.verified_only,
        static_cast<std::int64_t>(query.limit)
    );
}

bool acted_on(const report::DmarcRow& row) {
    return row.disposition == "quarantine" || row.disposition == "reject";
}

Received received_of(const ReceivedFacts& facts) {
    Received out;
    out.id = facts.id;
    out.at = facts.at;
    out.from = facts.from;
    out.verified = facts.verified;
    return out;
}

}  // namespace

Status SqliteReportStore::keep_rows(std::int64_t id, const Received& whole) {
    if (const auto* dmarc = std::get_if<report::DmarcReport>(&whole.report)) {
        for (const report::CountedRow& one : dmarc->rows) {
            Status done = database_->run(
                "INSERT INTO received_rows (report, source, header_from, passed, acted, count, "
                "row) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                id,
                std::string_view{one.row.source},
                std::string_view{one.row.header_from},
                one.row.passed(),
                acted_on(one.row),
                static_cast<std::int64_t>(one.count),
                std::string_view{pack(one.row)}
            );
            if (!done) {
                return done;
            }
        }
        return {};
    }
    const auto keep = [&](const report::TlsPolicy& policy,
                          const report::TlsFailure& failure,
                          std::uint64_t count) {
        return database_->run(
            "INSERT INTO received_tls (report, domain, type, policy, failure, count) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            id,
            std::string_view{policy.domain},
            std::string_view{policy.type},
            std::string_view{pack(policy)},
            std::string_view{pack(failure)},
            static_cast<std::int64_t>(count)
        );
    };
    for (const report::TlsResult& one : std::get<report::TlsReport>(whole.report).results) {
        Status done = keep(one.policy, {}, one.succeeded);
        std::uint64_t told = 0;
        for (const report::CountedFailure& failure : one.failures) {
            told += failure.count;
            done = done ? keep(one.policy, failure.failure, failure.count) : done;
        }
        // Details may be left out (RFC 8460 §4.4); the number of failures is not.
        if (done && told < one.failed) {
            report::TlsFailure untold;
            untold.type = "unspecified";
            done = keep(one.policy, untold, one.failed - told);
        }
        if (!done) {
            return done;
        }
    }
    return {};
}

Result<bool> SqliteReportStore::receive(const Received& one) {
    const ReceivedFacts facts = report::facts_of(one.report);
    std::string policy;
    if (const auto* dmarc = std::get_if<report::DmarcReport>(&one.report)) {
        policy = pack(dmarc->policy);
    }
    const std::scoped_lock lock{mutex_};
    bool is_new = false;
    const Status done = database_->transaction([&]() -> Status {
        Status kept = database_->run(
            "INSERT OR IGNORE INTO received_reports (kind, at, mail_from, verified, organization, "
            "report_id, domain, begin, end, good, bad, policy) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            name(facts.kind),
            one.at,
            std::string_view{one.from},
            one.verified,
            std::string_view{facts.organization},
            std::string_view{facts.report_id},
            std::string_view{facts.domain},
            facts.begin,
            facts.end,
            static_cast<std::int64_t>(facts.good),
            static_cast<std::int64_t>(facts.bad),
            std::string_view{policy}
        );
        if (!kept || database_->changes() == 0) {
            return kept;
        }
        is_new = true;
        return keep_rows(database_->last_id(), one);
    });
    if (!done) {
        return fail(done.error());
    }
    return is_new;
}

Result<std::vector<ReceivedFacts>> SqliteReportStore::received(const ReceivedQuery& query) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT id, kind, at, mail_from, verified, organization, report_id, domain, begin, end, "
        "good, bad FROM received_reports WHERE at >= ? AND (? = '' OR domain = ?) "
        "AND verified >= ? ORDER BY id DESC LIMIT ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const std::string_view domain{query.domain};
    return statement
        ->bind_all(
            query.since, domain, domain, query.verified_only, static_cast<std::int64_t>(query.limit)
        )
        .all(read_facts);
}

Result<Received> SqliteReportStore::read_dmarc(const ReceivedFacts& facts) {
    Received out = received_of(facts);
    report::DmarcReport report;
    report.by.organization = facts.organization;
    report.by.id = facts.report_id;
    report.begin = facts.begin;
    report.end = facts.end;
    auto policy = database_->prepare("SELECT policy FROM received_reports WHERE id = ?");
    if (!policy) {
        return fail(policy.error());
    }
    const auto there = policy->bind(facts.id).step();
    if (!there || !*there) {
        return there ? fail(Errc::NotFound, "the report has gone") : fail(there.error());
    }
    auto read = report::unpack_policy(policy->text());
    if (!read) {
        return fail(read.error());
    }
    report.policy = std::move(*read);
    auto rows = database_->prepare(
        "SELECT row, count FROM received_rows WHERE report = ? ORDER BY passed, count DESC"
    );
    if (!rows) {
        return fail(rows.error());
    }
    const auto all = rows->bind(facts.id).all([](Statement& row) {
        std::string packed = row.text();
        return std::pair<std::string, std::int64_t>{std::move(packed), row.integer()};
    });
    if (!all) {
        return fail(all.error());
    }
    for (const auto& [packed, count] : *all) {
        auto row = report::unpack_row(packed);
        if (!row) {
            return fail(row.error());
        }
        report.rows.push_back({std::move(*row), static_cast<std::uint64_t>(count)});
    }
    out.report = std::move(report);
    return out;
}

Result<Received> SqliteReportStore::read_tls(const ReceivedFacts& facts) {
    Received out = received_of(facts);
    report::TlsReport report;
    report.organization = facts.organization;
    report.id = facts.report_id;
    report.begin = facts.begin;
    report.end = facts.end;
    auto rows = database_->prepare(
        "SELECT policy, failure, count FROM received_tls WHERE report = ? ORDER BY rowid"
    );
    if (!rows) {
        return fail(rows.error());
    }
    rows->bind(facts.id);
    const Status read = rows->each([&](Statement& row) -> Status {
        auto policy = report::unpack_tls_policy(row.text());
        auto failure = report::unpack_failure(row.text());
        if (!policy || !failure) {
            return fail(policy ? failure.error() : policy.error());
        }
        const auto count = static_cast<std::uint64_t>(row.integer());
        // The row without a failure begins each policy: keep_rows().
        if (failure->type.empty()) {
            report.results.emplace_back();
            report.results.back().policy = std::move(*policy);
            report.results.back().succeeded = count;
        } else if (!report.results.empty()) {
            report.results.back().failed += count;
            report.results.back().failures.push_back({std::move(*failure), count});
        }
        return {};
    });
    if (!read) {
        return fail(read.error());
    }
    out.report = std::move(report);
    return out;
}

Result<Received> SqliteReportStore::received(std::int64_t id) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT id, kind, at, mail_from, verified, organization, report_id, domain, begin, end, "
        "good, bad FROM received_reports WHERE id = ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(id).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return fail(Errc::NotFound, "there is no report " + std::to_string(id));
    }
    const ReceivedFacts facts = read_facts(*statement);
    return facts.kind == report::Kind::Dmarc ? read_dmarc(facts) : read_tls(facts);
}

Result<std::vector<report::SourceSum>> SqliteReportStore::sources(const ReceivedQuery& query) {
    const std::scoped_lock lock{mutex_};
    // With one MAX() the bare column `row` is of the record that has it (SQLite, "Bare columns in
    // an aggregate query"): a record that failed before all that passed.
    auto statement = database_->prepare(
        "SELECT r.source, r.header_from, SUM(CASE WHEN r.passed THEN r.count ELSE 0 END), "
        "SUM(CASE WHEN r.passed THEN 0 ELSE r.count END) AS failed, "
        "SUM(CASE WHEN r.acted AND NOT r.passed THEN r.count ELSE 0 END), "
        "COUNT(DISTINCT f.organization), r.row, "
        "MAX(CASE WHEN r.passed THEN r.count ELSE r.count + 1000000000000 END) "
        "FROM received_reports f JOIN received_rows r ON r.report = f.id "
        "WHERE f.kind = 'dmarc' AND f.at >= ? AND (? = '' OR f.domain = ? OR r.header_from = ?) "
        "AND f.verified >= ? GROUP BY r.source, r.header_from "
        "ORDER BY failed DESC, SUM(r.count) DESC, r.source LIMIT ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    bind_sums(*statement, query);
    std::vector<report::SourceSum> out;
    const Status read = statement->each([&](Statement& row) -> Status {
        report::SourceSum sum;
        sum.source = row.text();
        sum.header_from = row.text();
        sum.passed = static_cast<std::uint64_t>(row.integer());
        sum.failed = static_cast<std::uint64_t>(row.integer());
        sum.refused = static_cast<std::uint64_t>(row.integer());
        sum.reporters = static_cast<std::uint64_t>(row.integer());
        auto example = report::unpack_row(row.text());
        if (!example) {
            return fail(example.error());
        }
        sum.example = std::move(*example);
        out.push_back(std::move(sum));
        return {};
    });
    return read ? Result<std::vector<report::SourceSum>>(std::move(out)) : fail(read.error());
}

Result<std::vector<report::TlsSum>> SqliteReportStore::tls_sums(const ReceivedQuery& query) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT t.domain, t.type, f.organization, t.failure, SUM(t.count) "
        "FROM received_reports f JOIN received_tls t ON t.report = f.id "
        "WHERE f.kind = 'tls' AND f.at >= ? AND (? = '' OR f.domain = ? OR t.domain = ?) "
        "AND f.verified >= ? GROUP BY t.domain, t.type, f.organization, t.failure "
        "ORDER BY t.domain, t.type, f.organization, 5 DESC LIMIT ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    bind_sums(*statement, query);
    std::vector<report::TlsSum> out;
    const Status read = statement->each([&](Statement& row) -> Status {
        report::TlsSum sum;
        sum.domain = row.text();
        sum.policy_type = row.text();
        sum.organization = row.text();
        auto failure = report::unpack_failure(row.text());
        const auto count = static_cast<std::uint64_t>(row.integer());
        if (!failure) {
            return fail(failure.error());
        }
        if (out.empty() || out.back().domain != sum.domain ||
            out.back().policy_type != sum.policy_type ||
            out.back().organization != sum.organization) {
            out.push_back(std::move(sum));
        }
        if (failure->type.empty()) {
            out.back().succeeded += count;
        } else {
            out.back().failures.push_back({std::move(*failure), count});
        }
        return {};
    });
    return read ? Result<std::vector<report::TlsSum>>(std::move(out)) : fail(read.error());
}

}  // namespace sekisho::store
