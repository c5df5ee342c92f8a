#include "report/dmarc_xml.h"

#include "base/file.h"
#include "base/time.h"
#include "report/dmarc.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace sekisho::report {
namespace {

std::string sample(const std::string& name) {
    return *read_file(
        std::string(SEKISHO_SOURCE_DIR) + "/tests/fuzz/corpus/report_dmarc_xml_fuzz/" + name
    );
}

DmarcReport made() {
    DmarcReport report;
    report.by = {
        "Example & Net", "reports@example.net", "https://example.net/", "Sekisho 1", "1.a@b"
    };
    report.begin = from_ms(1'732'665'600'000);
    report.end = from_ms(1'732'751'999'000);
    report.policy = {"example.com", "treewalk", "quarantine", "none", "none", "r", "s", "", "n"};
    CountedRow one;
    one.count = 3;
    one.row.source = "2001:db8::7";
    one.row.disposition = "none";
    one.row.header_from = "example.com";
    one.row.envelope_to = "example.net";
    one.row.spf_aligned = true;
    one.row.reasons.push_back({"local_policy", "a <list> \x01"});
    one.row.dkim.push_back({"example.com", "s1", "", "fail", "body hash"});
    one.row.dkim.push_back({"other.example", "s2", "", "pass", ""});
    one.row.spf.push_back({"example.com", "", "mfrom", "pass", ""});
    report.rows.push_back(std::move(one));
    return report;
}

TEST(DmarcXml, TheSampleOfRfc9990) {
    const auto report = read_dmarc(sample("rfc9990.xml"));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->by.organization, "Sample Reporter");
    EXPECT_EQ(report->by.id, "3v98abbp8ya9n3va8yr8oa3ya");
    EXPECT_EQ(report->by.generator, "Example DMARC Aggregate Reporter v1.2");
    EXPECT_EQ(rfc3339(report->begin), "1979-08-07T00:00:00.000Z");
    EXPECT_EQ(report->policy.domain, "example.com");
    EXPECT_EQ(report->policy.p, "quarantine");
    EXPECT_EQ(report->policy.method, "treewalk");
    ASSERT_EQ(report->rows.size(), 1U);
    const CountedRow& row = report->rows.front();
    EXPECT_EQ(row.count, 123U);
    EXPECT_EQ(row.row.source, "192.0.2.123");
    EXPECT_EQ(row.row.disposition, "pass");
    EXPECT_TRUE(row.row.dkim_aligned);
    EXPECT_FALSE(row.row.spf_aligned);
    ASSERT_EQ(row.row.dkim.size(), 1U);
    EXPECT_EQ(row.row.dkim.front().selector, "abc123");
    EXPECT_EQ(row.row.spf.front().result, "fail");
}

TEST(DmarcXml, TheFormOfRfc7489) {
    const auto report = read_dmarc(sample("rfc7489.xml"));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->policy.domain, "example.com");
    EXPECT_EQ(report->errors.size(), 1U);
    const DmarcRow& row = report->rows.front().row;
    EXPECT_EQ(row.source, "2001:db8::7");
    EXPECT_EQ(report->rows.front().count, 1200U);
    ASSERT_EQ(row.reasons.size(), 1U);
    EXPECT_EQ(row.reasons.front(), (Override{"forwarded", "a list & more"}));
    EXPECT_EQ(row.spf.size(), 2U);
    EXPECT_FALSE(row.passed());
}

TEST(DmarcXml, WhatIsWrittenIsReadTheSame) {
    const DmarcReport report = made();
    const auto again = read_dmarc(write_dmarc(report));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->by, report.by);
    EXPECT_EQ(again->policy, report.policy);
    EXPECT_EQ(again->begin, report.begin);
    EXPECT_EQ(again->end, report.end);
    CountedRow expected = report.rows.front();
    expected.row.reasons.front().comment = "a <list> ?";  // XML has no way to say U+0001
    EXPECT_EQ(again->rows.front(), expected);
    EXPECT_EQ(*unpack_row(pack(expected.row)), expected.row);
    EXPECT_EQ(*unpack_policy(pack(report.policy)), report.policy);
}

TEST(DmarcXml, OursIsValidByTheSchema) {
    if (::access("/usr/bin/xmllint", X_OK) != 0) {
        GTEST_SKIP() << "xmllint is not there";
    }
    const std::string file =
        testing::TempDir() + "dmarc_report_" + std::to_string(::getpid()) + ".xml";
    std::ofstream(file) << write_dmarc(made());
    const std::string command = "/usr/bin/xmllint --noout --schema " +
                                std::string(SEKISHO_SOURCE_DIR) +
                                "/tests/golden/report/dmarc-2.0.xsd " + file + " 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);  // NOLINT(cert-env33-c)
    ::unlink(file.c_str());
}

TEST(DmarcXml, HostileAndBrokenOnesAreRefused) {
    const auto why = [](const std::string& xml) {
        const auto report = read_dmarc(xml);
        return report ? std::string("taken") : report.error().message;
    };
    EXPECT_EQ(why(sample("entities.xml")), "a document type has no place in a report");
    EXPECT_EQ(why("<html/>"), "its root is no feedback");
    EXPECT_EQ(why("<feedback/>"), "it has no report_metadata, or no policy_published");
    EXPECT_NE(why("<feedback><record>").find("no element found"), std::string::npos);
    std::string deep = "<feedback>";
    for (int i = 0; i < 40; ++i) {
        deep += "<a>";
    }
    EXPECT_EQ(why(deep), "the XML is too deep, or has too many elements");
    EXPECT_EQ(
        why("<feedback><a>" + std::string(20'000, 'x') + "</a></feedback>"),
        "an element of the XML is too long"
    );
    std::string text = sample("rfc9990.xml");
    text.replace(text.find("192.0.2.123"), 11, "192.0.2.1234");
    EXPECT_EQ(why(text), "a row has no source_ip, or no count");
    text = sample("rfc9990.xml");
    text.replace(text.find("<end>302918399"), 14, "<end>302000000");
    EXPECT_EQ(why(text), "its report_id or date_range is missing or wrong");
}

}  // namespace
}  // namespace sekisho::report
