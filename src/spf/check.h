// check_host() of RFC 7208 §4: may this client send mail for this domain? Pure: it asks for DNS
// answers and is called again with them, until it has an outcome.
//
//     Answers answers;
//     Step step = check(query, answers);
//     while (auto* questions = std::get_if<Questions>(&step)) {
//         ... look all of them up, answers[question] = ...
//         step = check(query, answers);
//     }
//
// Every call goes the whole way again from the start: what is known needs no state of ours, and the
// limits (10 terms that look up, 10 names of an MX or PTR, 2 void look-ups: RFC 7208 §4.6.4) bound
// both the number of questions and of calls. The time is the caller's to bound; a look-up that took
// too long is `Failed`.
#pragma once

#include "base/ip.h"

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::spf {

enum class Code : std::uint8_t { None, Neutral, Pass, Fail, SoftFail, TempError, PermError };
[[nodiscard]] std::string_view name(Code result);  // "none", ... as RFC 8601 §2.7.2 has them

struct Query {
    IpAddress client;
    std::string helo;           // as given
    std::string sender_local;   // of MAIL FROM; empty: "postmaster" (RFC 7208 §4.3)
    std::string sender_domain;  // of MAIL FROM, in A-labels; empty for the null sender: HELO counts
    std::string receiver;       // our host name, for %{r}
    std::int64_t seconds = 0;   // since 1970, for %{t}
};

enum class RecordType : std::uint8_t { Txt, A, Aaaa, Mx, Ptr };
struct Question {
    RecordType type = RecordType::Txt;
    std::string name;  // in lower case; empty for Ptr, which is of the client's address
    friend auto operator<=>(const Question&, const Question&) = default;
};
struct Answer {
    enum class Kind : std::uint8_t {
        Known,  // records, or none: a void look-up
        Failed  // SERVFAIL, time-out: nothing is known
    };
    Kind kind = Kind::Known;
    std::vector<std::string>
        texts;  // TXT with its strings joined; names of MX (by preference), PTR
    std::vector<IpAddress> addresses;
};
using Questions = std::vector<Question>;
using Answers = std::map<Question, Answer>;

enum class Identity : std::uint8_t { MailFrom, Helo };

struct Outcome {
    Code result = Code::None;
    Identity identity = Identity::MailFrom;
    std::string domain;       // that was checked; empty: there was none
    std::string mechanism;    // that decided, as written; "default" when none matched
    std::string problem;      // of TempError and PermError: one line
    std::string explanation;  // the domain's own words for a Fail (exp=), printable ASCII; or empty
};

using Step = std::variant<Outcome, Questions>;
[[nodiscard]] Step check(const Query& query, const Answers& answers);

}  // namespace sekisho::spf
