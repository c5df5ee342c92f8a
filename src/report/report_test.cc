// Archives, mails, destinations, days: the small parts of the room.
#include "base/file.h"
#include "base/time.h"
#include "report/archive.h"
#include "report/destination.h"
#include "report/dmarc.h"
#include "report/dmarc_xml.h"
#include "report/hint.h"
#include "report/incoming.h"
#include "report/ledger.h"
#include "report/letter.h"
#include "report/recorder.h"
#include "report/schedule.h"
#include "report/tls.h"
#include "report/tls_json.h"

#include <chrono>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace sekisho::report {
namespace {

using namespace std::chrono_literals;

const Time kNow = from_ms(1'795'780'000'000);  // 2026-11-27

std::string corpus(const std::string& name) {
    return *read_file(std::string(SEKISHO_SOURCE_DIR) + "/tests/fuzz/corpus/report_" + name);
}

TEST(Archive, GzipAndZipBecomeWhatTheyHold) {
    const std::string xml = corpus("dmarc_xml_fuzz/rfc7489.xml");
    for (const char* name : {"archive_fuzz/report.xml.gz", "archive_fuzz/report.zip"}) {
        const auto entries = unpack(corpus(name));
        ASSERT_TRUE(entries) << name << ": " << entries.error().message;
        EXPECT_EQ(*entries, std::vector<std::string>{xml}) << name;
    }
    EXPECT_EQ((*unpack(gzip(xml))).front(), xml);
    EXPECT_EQ(gzip(xml), gzip(xml)) << "no time in it";
    EXPECT_EQ((*unpack("plain")).front(), "plain");
}

TEST(Archive, ABombIsNotUnpacked) {
    const std::string bomb = gzip(std::string(40UL << 20U, 'x'));
    EXPECT_LT(bomb.size(), 100'000U);
    EXPECT_EQ(unpack(bomb).error().code, Errc::Full);
    EXPECT_EQ(
        unpack(corpus("archive_fuzz/report.zip"), {.bytes_max = 100}).error().code, Errc::Full
    );
    EXPECT_EQ(
        unpack(corpus("archive_fuzz/report.zip"), {.entries_max = 0}).error().code, Errc::Full
    );
    const std::string cut = gzip("hello").substr(0, 12);
    EXPECT_EQ(unpack(cut).error().code, Errc::Invalid);
    EXPECT_EQ(unpack("PK\x03\x04 nothing").error().code, Errc::Invalid);
}

TEST(Incoming, AttachmentsOfMails) {
    const auto zip = reports_in_mail(corpus("incoming_fuzz/zip.eml"));
    ASSERT_TRUE(zip) << zip.error().message;
    ASSERT_EQ(zip->size(), 1U);
    const ReceivedFacts facts = facts_of(zip->front());
    EXPECT_EQ(facts.kind, Kind::Dmarc);
    EXPECT_EQ(facts.bad, 1200U);
    const auto tls = reports_in_mail(corpus("incoming_fuzz/tls.eml"));
    ASSERT_TRUE(tls) << tls.error().message;
    EXPECT_EQ(facts_of(tls->front()).good, 5326U);
    EXPECT_EQ(
        reports_in_mail("Subject: hello\r\n\r\nno report\r\n").error().message,
        "no attachment of it is a report"
    );
}

TEST(Letter, IsFoundByItsReader) {
    DmarcReport report = *read_dmarc(corpus("dmarc_xml_fuzz/rfc9990.xml"));
    const Sender sender{"Example Net", "reports@example.net", "example.net", "mail.example.net"};
    const std::string packed = gzip(write_dmarc(report));
    const Letter letter =
        dmarc_letter(report, packed, {"a@example.com", "b@example.com"}, sender, kNow);
    EXPECT_NE(
        letter.message.find("filename=\"example.net!example.com!302832000!302918399.xml.gz\""),
        std::string::npos
    );
    EXPECT_NE(
        letter.message.find("Subject: Report Domain: example.com Submitter: example.net"),
        std::string::npos
    ) << letter.message;
    EXPECT_TRUE(is_own_letter(letter.message_id));
    const auto back = reports_in_mail(letter.message);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(std::get<DmarcReport>(back->front()).by.id, report.by.id);
    const TlsReport tls = *read_tls(corpus("tls_json_fuzz/rfc8460.json"));
    const Letter other = tls_letter(
        tls, "company-y.example", gzip(write_tls(tls)), {"a@company-y.example"}, sender, kNow
    );
    for (const char* field :
         {"\r\nTLS-Report-Domain: company-y.example\r\n",
          "\r\nTLS-Report-Submitter: example.net\r\n",
          "\r\nTLS-Required: No\r\n",
          "report-type=\"tlsrpt\"",
          "application/tlsrpt+gzip"}) {
        EXPECT_NE(other.message.find(field), std::string::npos) << field;
    }
    EXPECT_EQ(std::get<TlsReport>(reports_in_mail(other.message)->front()).id, tls.id);
}

TEST(Destination, Mailto) {
    const auto plain = parse_mailto("mailto:Dmarc@Example.COM");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->address, "Dmarc@Example.COM");
    EXPECT_EQ(plain->host, "example.com");
    EXPECT_FALSE(plain->bytes_max);
    EXPECT_EQ(parse_mailto("MAILTO:a@b.example!10m")->bytes_max, 10U << 20U);
    EXPECT_EQ(parse_mailto("mailto:a%21x@b.example!500")->address, "a!x@b.example");
    EXPECT_EQ(parse_mailto("mailto:a@b.example?subject=x")->address, "a@b.example");
    for (const char* wrong :
         {"https://b.example/",
          "mailto:a",
          "mailto:a@b",
          "mailto:a@b.example!x",
          "mailto:a%0d%0ab@b.example",
          "mailto:<a>@b.example",
          "mailto:@b.example"}) {
        EXPECT_FALSE(parse_mailto(wrong)) << wrong;
    }
}

TEST(Destination, AnotherOrganizationMustWantIt) {
    EXPECT_EQ(
        permission_name("blue.example.com", "red.example.net"),
        "blue.example.com._report._dmarc.red.example.net"
    );
    EXPECT_EQ(permission_name(std::string(200, 'a'), std::string(200, 'b')), "");
    EXPECT_FALSE(permission_of({}, "red.example.net").given);
    EXPECT_FALSE(permission_of({"v=spf1", "p=none; v=DMARC1"}, "red.example.net").given);
    EXPECT_TRUE(permission_of({"v=DMARC1"}, "red.example.net").given);
    const auto other = permission_of(
        {"v=DMARC1; rua=mailto:x@red.example.net,mailto:y@blue.example"}, "red.example.net"
    );
    EXPECT_EQ(other.rua, std::vector<std::string>{"mailto:x@red.example.net"});
}

TEST(Destination, RecordsOfTlsrpt) {
    using Wanted = std::vector<std::string>;
    EXPECT_EQ(
        tlsrpt_destinations({"v=spf1", "v=TLSRPTv1; rua=mailto:a@b.example , https://b.example/v1;"}
        ),
        (Wanted{"mailto:a@b.example", "https://b.example/v1"})
    );
    EXPECT_EQ(tlsrpt_destinations({"v=TLSRPTv1;"}), Wanted{});
    EXPECT_FALSE(tlsrpt_destinations({"v=TLSRPTv1; rua=x", "v=TLSRPTv1; rua=y"}));
    EXPECT_FALSE(tlsrpt_destinations({"v=TLSRPTv2; rua=x"}));
}

TEST(Schedule, EachAtItsMomentOfTheNextDay) {
    const Schedule schedule{30min, 2h, "mail.example.net"};
    std::set<Time> moments;
    for (int i = 0; i < 50; ++i) {
        const Slot slot{Kind::Dmarc, 20'000, "d" + std::to_string(i) + ".example"};
        const Time due = due_time(slot, schedule);
        EXPECT_EQ(due, due_time(slot, schedule));
        EXPECT_GE(due, begin_of(20'001) + 30min);
        EXPECT_LT(due, begin_of(20'001) + 2h + 30min);
        moments.insert(due);
    }
    EXPECT_GT(moments.size(), 45U);
    EXPECT_EQ(day_of(kNow), 20'784);
    EXPECT_EQ(date_of(day_of(kNow)), "2026-11-27");
    EXPECT_EQ(day_of(from_ms(-1)), -1);
    EXPECT_EQ(next_try(1, kNow), kNow + 15min);
    EXPECT_EQ(next_try(30, kNow), kNow + 4h);
}

TEST(Recorder, EqualObservationsAreOne) {
    Recorder recorder(3);
    DmarcSeen seen;
    seen.policy.domain = "example.com";
    seen.row.source = "192.0.2.1";
    recorder.note(seen, kNow);
    recorder.note(seen, kNow);
    recorder.note(seen, kNow + 24h);
    TlsSeen session;
    session.domain = "example.com";
    session.policy.type = kNoPolicy;
    recorder.note(session, kNow);
    session.failure.type = "validation-failure";
    recorder.note(session, kNow);  // no room
    Batch batch = recorder.take();
    ASSERT_EQ(batch.dmarc.size(), 2U);
    EXPECT_EQ(batch.dmarc.front().count, 2U);
    EXPECT_EQ(batch.tls.size(), 1U);
    EXPECT_EQ(batch.count(), 4U);
    EXPECT_EQ(recorder.counters().recorded, 5U);
    EXPECT_EQ(recorder.counters().lost, 1U);
    EXPECT_TRUE(recorder.take().empty());
    recorder.note(seen, kNow);
    recorder.put_back(batch);
    EXPECT_EQ(recorder.take().count(), 5U);
}

TEST(Hint, SaysWhatASourceDoes) {
    SourceSum sum;
    sum.source = "203.0.113.9";
    sum.header_from = "example.net";
    sum.failed = 1200;
    sum.example.header_from = "example.net";
    EXPECT_EQ(
        hint(sum),
        "203.0.113.9 sends as example.net without aligned SPF or DKIM: 1,200 messages, 100% fail. "
        "Nothing vouches for it: a server of yours that was forgotten, or somebody else"
    );
    sum.passed = 300;
    sum.refused = 2;
    sum.example.spf.push_back({"bulk.example", "", "mfrom", "pass", ""});
    EXPECT_EQ(
        hint(sum),
        "203.0.113.9 sends as example.net without aligned SPF or DKIM: 1,500 messages, 80% fail, 2 "
        "were quarantined or refused. It shows that it is bulk.example, which is another domain: a "
        "service that isn't set up for yours, or a list or a forwarder"
    );
    sum.failed = 0;
    sum.example.dkim_aligned = true;
    EXPECT_EQ(
        hint(sum),
        "203.0.113.9 sends as example.net: 300 messages, all pass by DKIM alone, as forwarded mail "
        "does"
    );
    TlsFailure failure;
    failure.type = "certificate-expired";
    failure.reason = "certificate has expired";
    EXPECT_EQ(hint(failure), "the certificate had expired (certificate has expired)");
}

}  // namespace
}  // namespace sekisho::report
