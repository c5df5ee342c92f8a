#include "evidence/check.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "evidence/evidence.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace sekisho::evidence {
namespace {

Status check_text(std::string_view text, std::string_view what) {
    if (text.empty()) {
        return fail(Errc::Invalid, fmt::format("evidence needs {}", what));
    }
    if (text.size() > Limits::kTextMax || printable(text, Limits::kTextMax) != text) {
        return fail(
            Errc::Invalid, fmt::format("{} is one line of at most {} bytes", what, Limits::kTextMax)
        );
    }
    return {};
}

}  // namespace

Status check(const Case& one, const Limits& limits) {
    if (one.prefix.has_value() == !one.line.empty()) {
        return fail(Errc::Invalid, "evidence is for a line or for a prefix: name one of them");
    }
    if (one.prefix) {
        const int widest = one.prefix->is_v4() ? Limits::kWidestV4 : Limits::kWidestV6;
        if (one.prefix->length() < widest) {
            return fail(
                Errc::Invalid,
                fmt::format(
                    "{} is wider than the /{} that may be recorded", one.prefix->text(), widest
                )
            );
        }
    } else if (Status line = check_text(one.line, "a line"); !line) {
        return line;
    }
    for (const auto& [text, what] :
         {std::pair<std::string_view, std::string_view>{one.reason, "a reason"},
          {one.actor, "an actor: who asks for it"}}) {
        if (Status good = check_text(text, what); !good) {
            return good;
        }
    }
    if (one.expires <= one.begun) {
        return fail(Errc::Invalid, "evidence needs a time to last, such as 2h");
    }
    if (one.expires - one.begun > limits.longest) {
        return fail(
            Errc::Invalid,
            fmt::format(
                "evidence lasts at most {} (gate.evidence_longest)", format_duration(limits.longest)
            )
        );
    }
    return {};
}

}  // namespace sekisho::evidence
