#include "report/tls_json.h"

#include "base/file.h"
#include "base/time.h"
#include "report/tls.h"

#include <gtest/gtest.h>
#include <string>

namespace sekisho::report {
namespace {

std::string sample() {
    return *read_file(
        std::string(SEKISHO_SOURCE_DIR) + "/tests/fuzz/corpus/report_tls_json_fuzz/rfc8460.json"
    );
}

TEST(TlsJson, TheSampleOfRfc8460) {
    const auto report = read_tls(sample());
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->organization, "Company-X");
    EXPECT_EQ(report->id, "5065427c-23d3-47ca-b6e0-946ea0e8c4be");
    EXPECT_EQ(rfc3339(report->end), "2016-04-01T23:59:59.000Z");
    ASSERT_EQ(report->results.size(), 1U);
    const TlsResult& result = report->results.front();
    EXPECT_EQ(result.policy.type, kSts);
    EXPECT_EQ(result.policy.domain, "company-y.example");
    EXPECT_EQ(result.policy.strings.size(), 4U);
    EXPECT_EQ(result.policy.mx, std::vector<std::string>{"*.mail.company-y.example"});
    EXPECT_EQ(result.succeeded, 5326U);
    EXPECT_EQ(result.failed, 303U);
    ASSERT_EQ(result.failures.size(), 3U);
    EXPECT_EQ(result.failures[0].failure.type, "certificate-expired");
    EXPECT_EQ(result.failures[1].failure.mx_ip, "203.0.113.56");
    EXPECT_EQ(result.failures[1].count, 200U);
    EXPECT_EQ(result.failures[2].failure.reason, "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED");
}

TEST(TlsJson, WhatIsWrittenIsReadTheSame) {
    const auto report = read_tls(sample());
    const std::string text = write_tls(*report);
    EXPECT_NE(text.find("\"start-datetime\": \"2016-04-01T00:00:00Z\""), std::string::npos) << text;
    const auto again = read_tls(text);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->results.front().policy, report->results.front().policy);
    EXPECT_EQ(again->results.front().failures, report->results.front().failures);
    const TlsFailure& failure = report->results.front().failures.front().failure;
    EXPECT_EQ(*unpack_failure(pack(failure)), failure);
    EXPECT_EQ(pack(TlsFailure{}), "");
}

TEST(TlsJson, BrokenOnesAreRefused) {
    const auto why = [](const std::string& json) {
        const auto report = read_tls(json);
        return report ? std::string("taken") : report.error().message;
    };
    EXPECT_EQ(why("[]"), "it is no JSON object");
    EXPECT_EQ(why("{\"a\":"), "it is no JSON object");
    EXPECT_EQ(why("{}"), "its report-id, date-range or policies are missing");
    EXPECT_EQ(
        why(R"({"report-id":"1","date-range":{"start-datetime":"x"},"policies":[{}]})"),
        "its date-range is wrong"
    );
    EXPECT_EQ(why(std::string(100'000, '[')), "it is no JSON object");
}

}  // namespace
}  // namespace sekisho::report
