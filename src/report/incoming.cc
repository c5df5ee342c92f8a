#include "report/incoming.h"

#include "base/result.h"
#include "message/mime.h"
#include "report/archive.h"
#include "report/dmarc.h"
#include "report/dmarc_xml.h"
#include "report/ledger.h"
#include "report/tls.h"
#include "report/tls_json.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::report {
namespace {

constexpr std::size_t kAttachmentsMax = 20;

enum class Form { Xml, Json, Packed, Other };

Form form_of(std::string_view bytes) {
    if (bytes.starts_with("\x1f\x8b") || bytes.starts_with("PK\x03\x04")) {
        return Form::Packed;
    }
    if (bytes.starts_with("\xEF\xBB\xBF")) {
        bytes.remove_prefix(3);
    }
    const std::size_t at = bytes.find_first_not_of(" \t\r\n");
    if (at == std::string_view::npos) {
        return Form::Other;
    }
    // UTF-16 has a mark of two octets; expat knows it.
    if (bytes[at] == '<' || bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
        return Form::Xml;
    }
    return bytes[at] == '{' ? Form::Json : Form::Other;
}

Result<Report> read_one(const std::string& bytes) {
    switch (form_of(bytes)) {
        case Form::Xml: {
            auto report = read_dmarc(bytes);
            return report ? Result<Report>(std::move(*report)) : fail(report.error());
        }
        case Form::Json: {
            auto report = read_tls(bytes);
            return report ? Result<Report>(std::move(*report)) : fail(report.error());
        }
        default:
            return fail(Errc::Invalid, "it is neither XML nor JSON");
    }
}

// A text for people, a picture, a signature: nothing that a report could be in.
bool may_be_report(const message::Leaf& leaf) {
    const Form form = form_of(leaf.content);
    return form == Form::Packed ||
           (form != Form::Other && leaf.type != "text/plain" && leaf.type != "text/html") ||
           (form != Form::Other && (leaf.name.ends_with(".xml") || leaf.name.ends_with(".json")));
}

}  // namespace

ReceivedFacts facts_of(const Report& report) {
    ReceivedFacts out;
    if (const auto* dmarc = std::get_if<DmarcReport>(&report)) {
        out.kind = Kind::Dmarc;
        out.organization = dmarc->by.organization;
        out.report_id = dmarc->by.id;
        out.domain = dmarc->policy.domain;
        out.begin = dmarc->begin;
        out.end = dmarc->end;
        for (const CountedRow& one : dmarc->rows) {
            (one.row.passed() ? out.good : out.bad) += one.count;
        }
        return out;
    }
    const auto& tls = std::get<TlsReport>(report);
    out.kind = Kind::Tls;
    out.organization = tls.organization;
    out.report_id = tls.id;
    out.domain = tls.results.front().policy.domain;
    out.begin = tls.begin;
    out.end = tls.end;
    for (const TlsResult& one : tls.results) {
        out.good += one.succeeded;
        out.bad += one.failed;
    }
    return out;
}

Result<std::vector<Report>> reports_in(std::string_view file) {
    const auto entries = unpack(file);
    if (!entries) {
        return fail(entries.error());
    }
    std::vector<Report> out;
    for (const std::string& entry : *entries) {
        auto report = read_one(entry);
        if (!report) {
            return fail(report.error());
        }
        out.push_back(std::move(*report));
    }
    return out;
}

Result<std::vector<Report>> reports_in_mail(std::string_view mail) {
    std::vector<Report> out;
    for (const message::Leaf& leaf : message::leaves_of(mail, kAttachmentsMax)) {
        if (!may_be_report(leaf)) {
            continue;
        }
        auto found = reports_in(leaf.content);
        if (!found) {
            return fail(found.error());
        }
        for (Report& one : *found) {
            out.push_back(std::move(one));
        }
    }
    if (out.empty()) {
        return fail(Errc::Invalid, "no attachment of it is a report");
    }
    return out;
}

}  // namespace sekisho::report
