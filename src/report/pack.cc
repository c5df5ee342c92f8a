// Rows and policies as JSON with keys in a fixed order, so that a store can tell equal ones.
#include "base/result.h"
#include "report/dmarc.h"
#include "report/tls.h"

#include <array>
#include <cstddef>
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

// A struct of texts as its named members; empty ones are left out.
template <class T>
struct TextField {
    const char* key;
    std::string T::* member;
};
constexpr std::array<TextField<DmarcPolicy>, 9> kPolicyFields{{
    {"domain", &DmarcPolicy::domain},
    {"method", &DmarcPolicy::method},
    {"p", &DmarcPolicy::p},
    {"sp", &DmarcPolicy::sp},
    {"np", &DmarcPolicy::np},
    {"adkim", &DmarcPolicy::adkim},
    {"aspf", &DmarcPolicy::aspf},
    {"fo", &DmarcPolicy::fo},
    {"testing", &DmarcPolicy::testing},
}};
constexpr std::array<TextField<AuthResult>, 5> kAuthFields{{
    {"domain", &AuthResult::domain},
    {"selector", &AuthResult::selector},
    {"scope", &AuthResult::scope},
    {"result", &AuthResult::result},
    {"human", &AuthResult::human},
}};
constexpr std::array<TextField<TlsFailure>, 7> kFailureFields{{
    {"type", &TlsFailure::type},
    {"sending_ip", &TlsFailure::sending_ip},
    {"mx_host", &TlsFailure::mx_host},
    {"mx_helo", &TlsFailure::mx_helo},
    {"mx_ip", &TlsFailure::mx_ip},
    {"reason", &TlsFailure::reason},
    {"additional", &TlsFailure::additional},
}};

template <class T, std::size_t N>
Json fields_json(const T& from, const std::array<TextField<T>, N>& fields) {
    Json out = Json::object();
    for (const TextField<T>& field : fields) {
        put(out, field.key, from.*field.member);
    }
    return out;
}

template <class T, std::size_t N>
T fields_of(const Json& json, const std::array<TextField<T>, N>& fields) {
    T out;
    for (const TextField<T>& field : fields) {
        out.*field.member = json.value(field.key, "");
    }
    return out;
}

Json auth_json(const std::vector<AuthResult>& all) {
    Json out = Json::array();
    for (const AuthResult& one : all) {
        out.push_back(fields_json(one, kAuthFields));
    }
    return out;
}

std::vector<AuthResult> auth_of(const Json& json) {
    std::vector<AuthResult> out;
    for (const Json& item : json) {
        out.push_back(fields_of(item, kAuthFields));
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
    return text_of(fields_json(policy, kPolicyFields));
}

Result<DmarcPolicy> unpack_policy(std::string_view text) {
    return read<DmarcPolicy>(text, [](const Json& json) { return fields_of(json, kPolicyFields); });
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
    return text_of(fields_json(failure, kFailureFields));
}

Result<TlsFailure> unpack_failure(std::string_view text) {
    if (text.empty()) {
        return TlsFailure{};
    }
    return read<TlsFailure>(text, [](const Json& json) { return fields_of(json, kFailureFields); });
}

}  // namespace sekisho::report
