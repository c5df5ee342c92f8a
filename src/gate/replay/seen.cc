#include "gate/replay/seen.h"

#include "policy/policy.h"

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::gate {
namespace {

constexpr std::string_view kTo = "to port 25 of class ";
constexpr std::string_view kFrom = "answer from port 25 of class ";

}  // namespace

std::string other_end(policy::Direction direction, std::string_view class_name) {
    return std::string{direction == policy::Direction::ToPort25 ? kTo : kFrom} +
           std::string{class_name};
}

std::optional<std::string> class_of_other_end(std::string_view detail) {
    for (const std::string_view start : {kTo, kFrom}) {
        if (detail.starts_with(start) && detail.size() > start.size()) {
            return std::string{detail.substr(start.size())};
        }
    }
    return std::nullopt;
}

}  // namespace sekisho::gate
