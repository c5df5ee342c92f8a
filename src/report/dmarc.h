// A DMARC aggregate report (RFC 9990 §3.1.1) as a value, and what is seen of one message.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::report {

// What "policy_published" says (§3.1.1.5). Empty: it isn't said.
struct DmarcPolicy {
    std::string domain;  // whose record it is
    std::string method;  // "treewalk", "psl"
    std::string p, sp, np;
    std::string adkim, aspf;  // "r", "s"
    std::string fo;
    std::string testing;  // "y", "n"
    friend bool operator==(const DmarcPolicy&, const DmarcPolicy&) = default;
};

struct AuthResult {
    std::string domain;
    std::string selector;  // of DKIM
    std::string scope;     // of SPF
    std::string result;    // as RFC 8601 §2.7 has them
    std::string human;
    friend bool operator==(const AuthResult&, const AuthResult&) = default;
};

struct Override {
    std::string type;  // of the list in §3.1.6
    std::string comment;
    friend bool operator==(const Override&, const Override&) = default;
};

// One "record", all but how often.
struct DmarcRow {
    std::string source;       // address
    std::string disposition;  // none, pass, quarantine, reject
    bool dkim_aligned = false, spf_aligned = false;
    std::vector<Override> reasons;
    std::string header_from, envelope_from, envelope_to;  // domains
    std::vector<AuthResult> dkim, spf;

    [[nodiscard]] bool passed() const { return dkim_aligned || spf_aligned; }
    friend bool operator==(const DmarcRow&, const DmarcRow&) = default;
};

struct CountedRow {
    DmarcRow row;
    std::uint64_t count = 1;
    friend bool operator==(const CountedRow&, const CountedRow&) = default;
};

// Who says it (§3.1.1.3).
struct Reporter {
    std::string organization, email, contact, generator;
    std::string id;  // of the report
    friend bool operator==(const Reporter&, const Reporter&) = default;
};

struct DmarcReport {
    Reporter by;
    Time begin{}, end{};
    std::vector<std::string> errors;
    DmarcPolicy policy;
    std::vector<CountedRow> rows;
};

// One message as it was judged.
struct DmarcSeen {
    DmarcPolicy policy;
    std::vector<std::string> rua;  // who wants to know
    std::string organization;      // the policy domain's organizational domain
    DmarcRow row;
    // For a failure report (report/failure.h), where one is wanted; else empty.
    std::vector<std::string> ruf;
    std::string header;  // of the message
};

// A row as text: equal rows have equal texts.
[[nodiscard]] std::string pack(const DmarcRow& row);
[[nodiscard]] Result<DmarcRow> unpack_row(std::string_view text);
[[nodiscard]] std::string pack(const DmarcPolicy& policy);
[[nodiscard]] Result<DmarcPolicy> unpack_policy(std::string_view text);

}  // namespace sekisho::report
