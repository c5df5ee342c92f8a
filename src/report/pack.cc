// Rows and policies as JSON with keys in a fixed order, so that a store can tell equal ones.
#include "base/result.h"
#include "report/dmarc.h"
#include "report/tls.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::report {
namespace {

using Json = nlohmann::ordered_json;

// Names of peers may be any bytes.
std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void put(Json& json, const char* key, const std::string& value) {
    if (!value.empty()) {
        json[key] = value;
    }
}

Json auth_json(const std::vector<AuthResult>& all) {
    Json out = Json::array();
    for (const AuthResult& one : all) {
        Json item = Json::object();
        put(item, "domain", one.domain);
        put(item, "selector", one.selector);
        put(item, "scope", one.scope);
        put(item, "result", one.result);
        put(item, "human", one.human);
        out.push_back(std::move(item));
    }
    return out;
}

std::vector<AuthResult> auth_of(const Json& json) {
    std::vector<AuthResult> out;
    for (const Json& item : json) {
        out.push_back(
            {item.value("domain", ""),
             item.value("selector", ""),
             item.value("scope", ""),
             item.value("result", ""),
             item.value("human", "")}
        );
    }
    return out;
}

template <class T, class Read>
Result<T> read(std::string_view text, Read make) {
    try {
        return make(Json::parse(text));
    } catch (const Json::exception& error) {
        return fail(Errc::Corrupt, std::string("what was kept can't be read: ") + error.what());
    }
}

}  // namespace

std::string pack(const DmarcRow& row) {
    Json out{{"source", row.source}, {"disposition", row.disposition}};
    if (row.dkim_aligned) {
        out["dkim_aligned"] = true;
    }
    if (row.spf_aligned) {
        out["spf_aligned"] = true;
    }
    for (const Override& one : row.reasons) {
        out["reasons"].push_back({{"type", one.type}, {"comment", one.comment}});
    }
    put(out, "header_from", row.header_from);
    put(out, "envelope_from", row.envelope_from);
    put(out, "envelope_to", row.envelope_to);
    out["dkim"] = auth_json(row.dkim);
    out["spf"] = auth_json(row.spf);
    return text_of(out);
}

Result<DmarcRow> unpack_row(std::string_view text) {
    return read<DmarcRow>(text, [](const Json& json) {
        DmarcRow row;
        row.source = json.value("source", "");
        row.disposition = json.value("disposition", "");
        row.dkim_aligned = json.value("dkim_aligned", false);
        row.spf_aligned = json.value("spf_aligned", false);
        for (const Json& one : json.value("reasons", Json::array())) {
            row.reasons.push_back({one.value("type", ""), one.value("comment", "")});
        }
        row.header_from = json.value("header_from", "");
        row.envelope_from = json.value("envelope_from", "");
        row.envelope_to = json.value("envelope_to", "");
        row.dkim = auth_of(json.at("dkim"));
        row.spf = auth_of(json.at("spf"));
        return row;
    });
}

std::string pack(const DmarcPolicy& policy) {
    Json out{{"domain", policy.domain}};
    put(out, "method", policy.method);
    put(out, "p", policy.p);
    put(out, "sp", policy.sp);
    put(out, "np", policy.np);
    put(out, "adkim", policy.adkim);
    put(out, "aspf", policy.aspf);
    put(out, "fo", policy.fo);
    put(out, "testing", policy.testing);
    return text_of(out);
}

Result<DmarcPolicy> unpack_policy(std::string_view text) {
    return read<DmarcPolicy>(text, [](const Json& json) {
        DmarcPolicy out;
        out.domain = json.value("domain", "");
        out.method = json.value("method", "");
        out.p = json.value("p", "");
        out.sp = json.value("sp", "");
        out.np = json.value("np", "");
        out.adkim = json.value("adkim", "");
        out.aspf = json.value("aspf", "");
        out.fo = json.value("fo", "");
        out.testing = json.value("testing", "");
        return out;
    });
}

std::string pack(const TlsPolicy& policy) {
    return text_of(Json{
        {"type", policy.type},
        {"strings", policy.strings},
        {"domain", policy.domain},
        {"mx", policy.mx}
    });
}

Result<TlsPolicy> unpack_tls_policy(std::string_view text) {
    return read<TlsPolicy>(text, [](const Json& json) {
        TlsPolicy out;
        out.type = json.value("type", "");
        out.strings = json.value("strings", std::vector<std::string>{});
        out.domain = json.value("domain", "");
        out.mx = json.value("mx", std::vector<std::string>{});
        return out;
    });
}

std::string pack(const TlsFailure& failure) {
    if (failure.type.empty()) {
        return {};
    }
    Json out{{"type", failure.type}};
    put(out, "sending_ip", failure.sending_ip);
    put(out, "mx_host", failure.mx_host);
    put(out, "mx_helo", failure.mx_helo);
    put(out, "mx_ip", failure.mx_ip);
    put(out, "reason", failure.reason);
    put(out, "additional", failure.additional);
    return text_of(out);
}

Result<TlsFailure> unpack_failure(std::string_view text) {
    if (text.empty()) {
        return TlsFailure{};
    }
    return read<TlsFailure>(text, [](const Json& json) {
        TlsFailure out;
        out.type = json.value("type", "");
        out.sending_ip = json.value("sending_ip", "");
        out.mx_host = json.value("mx_host", "");
        out.mx_helo = json.value("mx_helo", "");
        out.mx_ip = json.value("mx_ip", "");
        out.reason = json.value("reason", "");
        out.additional = json.value("additional", "");
        return out;
    });
}

}  // namespace sekisho::report
