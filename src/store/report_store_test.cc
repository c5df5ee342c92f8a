#include "base/time.h"
#include "report/dmarc.h"
#include "report/ledger.h"
#include "report/recorder.h"
#include "report/tls.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <variant>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using namespace report;

const Time kNow = from_ms(1'800'000'000'000);
const Day kDay = day_of(kNow);

DmarcSeen seen(const std::string& source, bool passes = false) {
    DmarcSeen out;
    out.policy.domain = "example.com";
    out.policy.p = "reject";
    out.rua = {"mailto:a@example.com", "mailto:b@example.net"};
    out.organization = "example.com";
    out.row.source = source;
    out.row.header_from = "example.com";
    out.row.spf_aligned = passes;
    out.row.disposition = passes ? "pass" : "reject";
    return out;
}

TEST(ReportStore, AddsUpADayAndForgetsItWhenItWasReported) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    Ledger& ledger = store->reports();
    Recorder recorder;
    for (int round = 0; round < 2; ++round) {
        recorder.note(seen("192.0.2.1"), kNow);
        recorder.note(seen("192.0.2.1"), kNow);
        recorder.note(seen("192.0.2.2", true), kNow);
        TlsSeen session;
        session.domain = "example.org";
        session.policy = {std::string(kSts), {"version: STSv1"}, "example.org", {"mx.example.org"}};
        recorder.note(session, kNow);
        session.failure.type = "certificate-expired";
        recorder.note(session, kNow);
        EXPECT_EQ(*ledger.add(recorder.take()), 0U);
    }
    EXPECT_TRUE((*ledger.due(kDay, 10)).empty()) << "the day isn't over";
    auto due = *ledger.due(kDay + 1, 10);
    ASSERT_EQ(due.size(), 2U);
    EXPECT_EQ(due[0].slot, (Slot{Kind::Dmarc, kDay, "example.com"}));
    EXPECT_EQ(due[0].count, 6U);
    EXPECT_EQ(due[1].count, 4U);
    const DmarcDay day = *ledger.dmarc_day(due[0].slot);
    EXPECT_EQ(day.rua.size(), 2U);
    ASSERT_EQ(day.rows.size(), 2U);
    EXPECT_EQ(day.rows.front().count, 4U);
    EXPECT_EQ(day.rows.front().row, seen("192.0.2.1").row);
    const auto tls = *ledger.tls_day(due[1].slot);
    ASSERT_EQ(tls.size(), 1U);
    EXPECT_EQ(tls.front().succeeded, 2U);
    EXPECT_EQ(tls.front().failed, 2U);

    Job job = due[0];
    job.state = Job::State::Made;
    job.id = "id";
    job.queue_id = "q";
    job.open = {"mailto:a@example.com"};
    ASSERT_TRUE(ledger.put(job));
    EXPECT_EQ((*ledger.jobs(Job::State::Made)).front().open, job.open);
    EXPECT_EQ((*ledger.due(kDay + 1, 10)).front().state, Job::State::Made);
    job.state = Job::State::Done;
    ASSERT_TRUE(ledger.put(job));
    EXPECT_EQ((*ledger.due(kDay + 1, 10)).size(), 1U);
    EXPECT_FALSE(ledger.dmarc_day(job.slot));
    // What comes too late begins no second report for the day.
    recorder.note(seen("192.0.2.3"), kNow);
    EXPECT_EQ(*ledger.add(recorder.take()), 0U);
    EXPECT_EQ((*ledger.due(kDay + 1, 10)).size(), 1U);
    EXPECT_GT(*ledger.forget(kDay + 1, kNow), 0);
    EXPECT_FALSE(*ledger.job(job.slot));
}

Received received(const std::string& id, const std::string& source, bool passes, int count) {
    DmarcReport report;
    report.by.organization = "big.example";
    report.by.id = id;
    report.policy.domain = "example.com";
    report.begin = kNow - 24h;
    report.end = kNow;
    report.rows.push_back({seen(source, passes).row, static_cast<std::uint64_t>(count)});
    report.rows.push_back({seen("192.0.2.200", true).row, 1});
    Received out;
    out.at = kNow;
    out.from = "big.example";
    out.verified = passes;
    out.report = std::move(report);
    return out;
}

TEST(ReportStore, SumsWhatOthersReport) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    Ledger& ledger = store->reports();
    EXPECT_TRUE(*ledger.receive(received("1", "192.0.2.9", false, 1200)));
    EXPECT_TRUE(*ledger.receive(received("2", "192.0.2.9", true, 10)));
    EXPECT_FALSE(*ledger.receive(received("2", "192.0.2.9", true, 10))) << "known";
    const auto all = *ledger.received(ReceivedQuery{});
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all.back().bad, 1200U);
    EXPECT_EQ(all.back().good, 1U);
    EXPECT_EQ((*ledger.received(ReceivedQuery{.verified_only = true})).size(), 1U);
    const auto sources = *ledger.sources({.domain = "example.com"});
    ASSERT_EQ(sources.size(), 2U);
    EXPECT_EQ(sources.front().source, "192.0.2.9");
    EXPECT_EQ(sources.front().failed, 1200U);
    EXPECT_EQ(sources.front().passed, 10U);
    EXPECT_EQ(sources.front().refused, 1200U);
    EXPECT_FALSE(sources.front().example.passed());
    EXPECT_TRUE((*ledger.sources({.domain = "other.example"})).empty());
    const auto one = *ledger.received(all.back().id);
    EXPECT_EQ(std::get<DmarcReport>(one.report).rows.front().count, 1200U);
    EXPECT_EQ(ledger.received(99).error().code, Errc::NotFound);
    EXPECT_GT(*ledger.forget(0, kNow + 1s), 0);
    EXPECT_TRUE((*ledger.received(ReceivedQuery{})).empty());
}

TEST(ReportStore, TlsFailuresByReporterAndKind) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    Ledger& ledger = store->reports();
    TlsReport report;
    report.organization = "big.example";
    report.id = "x";
    report.begin = kNow - 24h;
    report.end = kNow;
    TlsResult result;
    result.policy = {std::string(kSts), {}, "example.com", {}};
    result.succeeded = 50;
    result.failed = 7;
    TlsFailure failure;
    failure.type = "certificate-expired";
    failure.mx_host = "mx.example.com";
    result.failures.push_back({failure, 5});
    report.results.push_back(result);
    Received one;
    one.at = kNow;
    one.report = report;
    ASSERT_TRUE(*ledger.receive(one));
    const auto sums = *ledger.tls_sums({});
    ASSERT_EQ(sums.size(), 1U);
    EXPECT_EQ(sums.front().succeeded, 50U);
    ASSERT_EQ(sums.front().failures.size(), 2U) << "two that nothing was told of";
    EXPECT_EQ(sums.front().failures.front(), (CountedFailure{failure, 5}));
    const auto back = std::get<TlsReport>((*ledger.received(1)).report);
    EXPECT_EQ(back.results.front().failed, 7U);
}

}  // namespace
}  // namespace sekisho::store
