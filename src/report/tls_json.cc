#include "report/tls_json.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "report/tls.h"

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPoliciesMax = 1000;
constexpr std::size_t kFailuresMax = 5000;  // of a policy
constexpr std::size_t kStringsMax = 200;
constexpr std::size_t kShownMax = 500;
constexpr int kDepthMax = 20;

// RFC 3339 without a fraction, as the examples of RFC 8460 have it.
std::string moment(Time at) {
    constexpr std::size_t kSeconds = 19;
    return rfc3339(at).substr(0, kSeconds) + "Z";
}

void put(Json& json, const char* key, const std::string& value) {
    if (!value.empty()) {
        json[key] = value;
    }
}

Json failure_json(const CountedFailure& counted) {
    const TlsFailure& one = counted.failure;
    Json out{{"result-type", one.type}};
    put(out, "sending-mta-ip", one.sending_ip);
    put(out, "receiving-mx-hostname", one.mx_host);
    put(out, "receiving-mx-helo", one.mx_helo);
    put(out, "receiving-ip", one.mx_ip);
    out["failed-session-count"] = counted.count;
    put(out, "additional-information", one.additional);
    put(out, "failure-reason-code", one.reason);
    return out;
}

Json result_json(const TlsResult& result) {
    Json policy{{"policy-type", result.policy.type}};
    if (!result.policy.strings.empty()) {
        policy["policy-string"] = result.policy.strings;
    }
    policy["policy-domain"] = result.policy.domain;
    if (!result.policy.mx.empty()) {
        policy["mx-host"] = result.policy.mx;
    }
    Json out{
        {"policy", std::move(policy)},
        {"summary",
         {{"total-successful-session-count", result.succeeded},
          {"total-failure-session-count", result.failed}}}
    };
    for (const CountedFailure& one : result.failures) {
        out["failure-details"].push_back(failure_json(one));
    }
    return out;
}

std::string text(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found == json.end() || !found->is_string()
               ? std::string()
               : printable(found->get_ref<const std::string&>(), kShownMax);
}

std::uint64_t count(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found == json.end() || !found->is_number_unsigned() ? 0 : found->get<std::uint64_t>();
}

// A list, or one alone: RFC 8460 has mx-host both ways.
std::vector<std::string> texts(const Json& json, const char* key) {
    std::vector<std::string> out;
    const auto found = json.find(key);
    if (found == json.end()) {
        return out;
    }
    if (found->is_string()) {
        out.push_back(text(json, key));
        return out;
    }
    for (const Json& one : *found) {
        if (one.is_string() && out.size() < kStringsMax) {
            out.push_back(printable(one.get_ref<const std::string&>(), kShownMax));
        }
    }
    return out;
}

Result<TlsResult> read_result(const Json& json) {
    const auto policy = json.find("policy");
    if (policy == json.end() || !policy->is_object()) {
        return fail(Errc::Invalid, "a policy of it has no \"policy\"");
    }
    TlsResult out;
    out.policy.type = to_lower(text(*policy, "policy-type"));
    out.policy.domain = to_lower(text(*policy, "policy-domain"));
    out.policy.strings = texts(*policy, "policy-string");
    out.policy.mx = texts(*policy, "mx-host");
    if (const auto summary = json.find("summary"); summary != json.end() && summary->is_object()) {
        out.succeeded = count(*summary, "total-successful-session-count");
        out.failed = count(*summary, "total-failure-session-count");
    }
    const auto details = json.find("failure-details");
    if (details == json.end() || !details->is_array()) {
        return out;
    }
    for (const Json& one : *details) {
        if (!one.is_object() || out.failures.size() >= kFailuresMax) {
            continue;
        }
        CountedFailure failure;
        failure.failure.type = to_lower(text(one, "result-type"));
        failure.failure.sending_ip = text(one, "sending-mta-ip");
        failure.failure.mx_host = text(one, "receiving-mx-hostname");
        failure.failure.mx_helo = text(one, "receiving-mx-helo");
        failure.failure.mx_ip = text(one, "receiving-ip");
        failure.failure.additional = text(one, "additional-information");
        failure.failure.reason = text(one, "failure-reason-code");
        failure.count = count(one, "failed-session-count");
        out.failures.push_back(std::move(failure));
    }
    return out;
}

// Deeper than any report: a list in a list in a list would use up the stack of who walks it.
Json parsed(std::string_view text) {
    return Json::parse(
        text, [](int depth, Json::parse_event_t, Json&) { return depth <= kDepthMax; }, false
    );
}

}  // namespace

std::string write_tls(const TlsReport& report) {
    Json out{
        {"organization-name", report.organization},
        {"date-range",
         {{"start-datetime", moment(report.begin)}, {"end-datetime", moment(report.end)}}},
        {"contact-info", report.contact},
        {"report-id", report.id},
        {"policies", Json::array()}
    };
    for (const TlsResult& one : report.results) {
        out["policies"].push_back(result_json(one));
    }
    return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<TlsReport> read_tls(std::string_view text_of) {
    const Json json = parsed(text_of);
    if (!json.is_object()) {
        return fail(Errc::Invalid, "it is no JSON object");
    }
    TlsReport out;
    out.organization = text(json, "organization-name");
    out.contact = text(json, "contact-info");
    out.id = text(json, "report-id");
    const auto range = json.find("date-range");
    const auto policies = json.find("policies");
    if (out.id.empty() || range == json.end() || !range->is_object() || policies == json.end() ||
        !policies->is_array()) {
        return fail(Errc::Invalid, "its report-id, date-range or policies are missing");
    }
    const auto begin = parse_rfc3339(text(*range, "start-datetime"));
    const auto end = parse_rfc3339(text(*range, "end-datetime"));
    if (!begin || !end || *end < *begin) {
        return fail(Errc::Invalid, "its date-range is wrong");
    }
    out.begin = *begin;
    out.end = *end;
    if (policies->size() > kPoliciesMax) {
        return fail(Errc::Full, "it has too many policies");
    }
    for (const Json& one : *policies) {
        if (!one.is_object()) {
            return fail(Errc::Invalid, "a policy of it is no object");
        }
        auto result = read_result(one);
        if (!result) {
            return fail(result.error());
        }
        out.results.push_back(std::move(*result));
    }
    if (out.results.empty()) {
        return fail(Errc::Invalid, "it has no policy");
    }
    return out;
}

}  // namespace sekisho::report
