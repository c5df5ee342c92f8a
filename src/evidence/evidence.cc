#include "evidence/evidence.h"

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::evidence {

std::string Case::target() const {
    return prefix ? prefix->text() : "line " + line;
}

std::string_view name(Outcome outcome) {
    switch (outcome) {
        case Outcome::Blocked:
            return "blocked";
        case Outcome::WouldBlock:
            return "would-block";
        case Outcome::Answered:
            return "answered";
    }
    return "?";
}

Error no_case(std::int64_t id) {
    return {Errc::NotFound, "there is no evidence " + std::to_string(id)};
}

}  // namespace sekisho::evidence
