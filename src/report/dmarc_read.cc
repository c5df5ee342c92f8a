#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "report/dmarc.h"
#include "report/dmarc_xml.h"
#include "report/xml.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace sekisho::report {
namespace {

constexpr std::size_t kRecordsMax = 20'000;
constexpr std::size_t kResultsMax = 100;  // of DKIM in a record, RFC 9990 §3.1.3
constexpr std::size_t kReasonsMax = 20;
constexpr std::size_t kErrorsMax = 20;
constexpr std::size_t kShownMax = 500;  // of a value

std::string text(const Element& element, std::string_view name) {
    return printable(element.value(name), kShownMax);
}
std::string word(const Element& element, std::string_view name) {
    return to_lower(text(element, name));
}

std::optional<std::uint64_t> number(std::string_view digits) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max() / 1000;
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size() || value > kMax) {
        return std::nullopt;
    }
    return value;
}

// Seconds; some reporters write a fraction.
std::optional<Time> moment(const std::string& digits) {
    const auto value = number(std::string_view(digits).substr(0, digits.find('.')));
    constexpr std::int64_t kSecond = 1000;
    return value ? std::optional(from_ms(static_cast<std::int64_t>(*value) * kSecond))
                 : std::nullopt;
}

class ReportReader {
  public:
    Status take(const Element& element) {
        if (element.name == "report_metadata") {
            return metadata(element);
        }
        if (element.name == "policy_published") {
            return policy(element);
        }
        if (element.name == "record") {
            return record(element);
        }
        return {};  // version, extension, what is yet to come
    }

    Result<DmarcReport> finish() {
        if (!has_metadata_ || report_.policy.domain.empty()) {
            return fail(Errc::Invalid, "it has no report_metadata, or no policy_published");
        }
        if (report_.rows.empty()) {
            return fail(Errc::Invalid, "it has no record");
        }
        return std::move(report_);
    }

  private:
    Status metadata(const Element& element) {
        report_.by.organization = text(element, "org_name");
        report_.by.email = text(element, "email");
        report_.by.contact = text(element, "extra_contact_info");
        report_.by.generator = text(element, "generator");
        report_.by.id = text(element, "report_id");
        const Element* const range = element.child("date_range");
        const auto begin = range == nullptr ? std::nullopt : moment(range->value("begin"));
        const auto end = range == nullptr ? std::nullopt : moment(range->value("end"));
        if (report_.by.id.empty() || !begin || !end || *end < *begin) {
            return fail(Errc::Invalid, "its report_id or date_range is missing or wrong");
        }
        report_.begin = *begin;
        report_.end = *end;
        for (const Element* one : element.all("error")) {
            if (report_.errors.size() < kErrorsMax) {
                report_.errors.push_back(printable(one->text, kShownMax));
            }
        }
        has_metadata_ = true;
        return {};
    }

    Status policy(const Element& element) {
        DmarcPolicy& out = report_.policy;
        out.domain = word(element, "domain");
        out.method = word(element, "discovery_method");
        out.p = word(element, "p");
        out.sp = word(element, "sp");
        out.np = word(element, "np");
        out.fo = text(element, "fo");
        out.adkim = word(element, "adkim");
        out.aspf = word(element, "aspf");
        out.testing = word(element, "testing");
        return {};
    }

    static void auth(const Element& results, DmarcRow& row) {
        for (const Element& one : results.children) {
            if ((one.name != "dkim" && one.name != "spf") ||
                row.dkim.size() + row.spf.size() >= kResultsMax) {
                continue;
            }
            AuthResult result;
            result.domain = word(one, "domain");
            result.selector = text(one, "selector");
            result.scope = word(one, "scope");
            result.result = word(one, "result");
            result.human = text(one, "human_result");
            (one.name == "dkim" ? row.dkim : row.spf).push_back(std::move(result));
        }
    }

    Status record(const Element& element) {
        if (report_.rows.size() >= kRecordsMax) {
            return fail(Errc::Full, "it has too many records");
        }
        CountedRow out;
        const Element* const row = element.child("row");
        const Element* const identifiers = element.child("identifiers");
        if (row == nullptr || identifiers == nullptr) {
            return fail(Errc::Invalid, "a record has no row, or no identifiers");
        }
        const auto source = IpAddress::parse(trim(row->value("source_ip")));
        const auto count = number(row->value("count"));
        if (!source || !count) {
            return fail(Errc::Invalid, "a row has no source_ip, or no count");
        }
        out.row.source = source->text();
        out.count = *count;
        if (const Element* const evaluated = row->child("policy_evaluated")) {
            out.row.disposition = word(*evaluated, "disposition");
            out.row.dkim_aligned = word(*evaluated, "dkim") == "pass";
            out.row.spf_aligned = word(*evaluated, "spf") == "pass";
            for (const Element* one : evaluated->all("reason")) {
                if (out.row.reasons.size() < kReasonsMax) {
                    out.row.reasons.push_back({word(*one, "type"), text(*one, "comment")});
                }
            }
        }
        out.row.header_from = word(*identifiers, "header_from");
        out.row.envelope_from = word(*identifiers, "envelope_from");
        out.row.envelope_to = word(*identifiers, "envelope_to");
        if (const Element* const results = element.child("auth_results")) {
            auth(*results, out.row);
        }
        report_.rows.push_back(std::move(out));
        return {};
    }

    DmarcReport report_;
    bool has_metadata_ = false;
};

}  // namespace

Result<DmarcReport> read_dmarc(std::string_view xml) {
    ReportReader reader;
    const auto root = read_xml(xml, [&reader](const Root& top, const Element& element) -> Status {
        if (top.name != "feedback") {
            return fail(Errc::Invalid, "its root is no feedback");
        }
        return reader.take(element);
    });
    if (!root) {
        return fail(root.error());
    }
    if (root->name != "feedback") {
        return fail(Errc::Invalid, "its root is no feedback");
    }
    return reader.finish();
}

}  // namespace sekisho::report
