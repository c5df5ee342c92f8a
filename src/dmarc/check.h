// DMARC (RFC 9989): do the domains that SPF and DKIM vouch for belong to the one in From, and what
// does its owner want done if not? Pure: asks for DNS answers and is called again with them, as
// spf::check() is. The organizational domain is found by walking up the DNS tree (§4.10), not by a
// list of public suffixes.
#pragma once

#include "dmarc/record.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::dmarc {

enum class Result : std::uint8_t { None, Pass, Fail, TempError, PermError };
[[nodiscard]] std::string_view name(Result result);  // "none", ... as RFC 8601 §2.7 has them

enum class Method : std::uint8_t { Spf, Dkim };
enum class Status : std::uint8_t {
    Pass,
    TempError,
    Other,  // fail, none, permerror, ...
};
struct Identifier {
    Method method = Method::Spf;
    Status status = Status::Other;
    std::string domain;  // of MAIL FROM or HELO; d= of a signature; A-labels
};

struct Input {
    std::string author;  // domain of From, A-labels; empty: there is none, or several
    std::vector<Identifier> identifiers;
};
// The one domain of all From addresses, in lower case. Empty: none, or several, which are exempt
// (RFC 9989 §5.3.1).
[[nodiscard]] std::string author_domain(const std::vector<std::string>& from_domains);

// Questions are for TXT records.
struct Answer {
    enum class Kind : std::uint8_t { Known, NoSuchName, Failed };  // NoSuchName: NXDOMAIN
    Kind kind = Kind::Known;
    std::vector<std::string> texts;
};
using Questions = std::vector<std::string>;  // names, lower case
using Answers = std::map<std::string, Answer, std::less<>>;

struct Outcome {
    Result result = Result::None;
    Policy policy = Policy::None;       // what p, sp or np asks for
    Policy disposition = Policy::None;  // what is to be done: nothing on a pass, less with t=y
    bool testing = false;
    std::string author;                // the domain that was checked
    std::string policy_domain;         // whose record counted; empty: there is none
    std::string organization;          // the author's organizational domain
    std::vector<std::string> aligned;  // "spf example.net", "dkim example.net"
    std::string problem;               // of TempError and PermError: one line
    std::optional<Record> record;      // that of policy_domain; for reports
};

using Step = std::variant<Outcome, Questions>;
[[nodiscard]] Step check(const Input& input, const Answers& answers);

// The domains whose _dmarc names a walk from `domain` asks, the longest first: eight at most.
[[nodiscard]] std::vector<std::string> walk(std::string_view domain);

}  // namespace sekisho::dmarc
