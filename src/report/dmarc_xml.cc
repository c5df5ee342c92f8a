#include "report/dmarc_xml.h"

#include "base/time.h"
#include "report/dmarc.h"
#include "report/xml.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::report {
namespace {

constexpr std::size_t kSignaturesMax = 100;  // RFC 9990 §3.1.3

// Elements with their indentation.
class Writer {
  public:
    void open(std::string_view name, std::string_view attributes = {}) {
        indent();
        out_ += "<" + std::string(name) + std::string(attributes) + ">\n";
        ++depth_;
    }
    void close(std::string_view name) {
        --depth_;
        indent();
        out_ += "</" + std::string(name) + ">\n";
    }
    void leaf(std::string_view name, std::string_view text) {
        indent();
        out_ +=
            "<" + std::string(name) + ">" + xml_escaped(text) + "</" + std::string(name) + ">\n";
    }
    void unless_empty(std::string_view name, std::string_view text) {
        if (!text.empty()) {
            leaf(name, text);
        }
    }
    std::string take() { return std::move(out_); }

  private:
    void indent() { out_.append(depth_ * 2, ' '); }
    std::string out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    std::size_t depth_ = 0;
};

std::string seconds(Time at) {
    constexpr std::int64_t kSecond = 1000;
    return std::to_string(to_ms(at) / kSecond);
}

const char* word(bool aligned) {
    return aligned ? "pass" : "fail";
}

void metadata(Writer& out, const DmarcReport& report) {
    out.open("report_metadata");
    out.leaf("org_name", report.by.organization);
    out.leaf("email", report.by.email);
    out.unless_empty("extra_contact_info", report.by.contact);
    out.leaf("report_id", report.by.id);
    out.open("date_range");
    out.leaf("begin", seconds(report.begin));
    out.leaf("end", seconds(report.end));
    out.close("date_range");
    if (!report.errors.empty()) {
        out.leaf("error", report.errors.front());
    }
    out.unless_empty("generator", report.by.generator);
    out.close("report_metadata");
}

void policy(Writer& out, const DmarcPolicy& policy) {
    out.open("policy_published");
    out.leaf("domain", policy.domain);
    out.unless_empty("discovery_method", policy.method);
    out.leaf("p", policy.p);
    out.unless_empty("sp", policy.sp);
    out.unless_empty("np", policy.np);
    out.unless_empty("fo", policy.fo);
    out.unless_empty("adkim", policy.adkim);
    out.unless_empty("aspf", policy.aspf);
    out.unless_empty("testing", policy.testing);
    out.close("policy_published");
}

void auth(Writer& out, std::string_view name, const AuthResult& result) {
    out.open(name);
    out.leaf("domain", result.domain);
    if (name == "dkim") {
        out.leaf("selector", result.selector);
    }
    out.unless_empty("scope", result.scope);
    out.leaf("result", result.result);
    out.unless_empty("human_result", result.human);
    out.close(name);
}

void record(Writer& out, const CountedRow& counted) {
    const DmarcRow& row = counted.row;
    out.open("record");
    out.open("row");
    out.leaf("source_ip", row.source);
    out.leaf("count", std::to_string(counted.count));
    out.open("policy_evaluated");
    out.leaf("disposition", row.disposition);
    out.leaf("dkim", word(row.dkim_aligned));
    out.leaf("spf", word(row.spf_aligned));
    for (const Override& one : row.reasons) {
        out.open("reason");
        out.leaf("type", one.type);
        out.unless_empty("comment", one.comment);
        out.close("reason");
    }
    out.close("policy_evaluated");
    out.close("row");
    out.open("identifiers");
    out.leaf("header_from", row.header_from);
    // Empty for the null reverse-path (§3.1.1.10).
    out.leaf("envelope_from", row.envelope_from);
    out.unless_empty("envelope_to", row.envelope_to);
    out.close("identifiers");
    out.open("auth_results");
    for (std::size_t i = 0; i < row.dkim.size() && i < kSignaturesMax; ++i) {
        auth(out, "dkim", row.dkim[i]);
    }
    if (!row.spf.empty()) {
        auth(out, "spf", row.spf.front());
    }
    out.close("auth_results");
    out.close("record");
}

}  // namespace

std::string write_dmarc(const DmarcReport& report) {
    Writer out;
    out.open("feedback", " xmlns=\"" + std::string(kDmarcNamespace) + "\"");
    out.leaf("version", "1.0");
    metadata(out, report);
    policy(out, report.policy);
    for (const CountedRow& row : report.rows) {
        record(out, row);
    }
    out.close("feedback");
    return out.take();
}

}  // namespace sekisho::report
