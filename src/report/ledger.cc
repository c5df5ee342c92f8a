#include "report/ledger.h"

#include <optional>
#include <string_view>

namespace sekisho::report {

std::string_view name(Kind kind) {
    return kind == Kind::Dmarc ? "dmarc" : "tls";
}

std::optional<Kind> parse_kind(std::string_view text) {
    if (text == "dmarc") {
        return Kind::Dmarc;
    }
    return text == "tls" ? std::optional(Kind::Tls) : std::nullopt;
}

std::string_view name(Job::State state) {
    switch (state) {
        case Job::State::Waiting:
            return "waiting";
        case Job::State::Made:
            return "made";
        case Job::State::Done:
            return "done";
    }
    return "?";
}

}  // namespace sekisho::report
