#include "exemption/exemption.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::exemption {
namespace {

constexpr std::size_t kReasonMax = 300;
constexpr std::size_t kDomainMax = 253;
constexpr std::size_t kLabelMax = 63;
constexpr std::array kMarks{Mark::Passed, Mark::Failed, Mark::Unknown};
constexpr std::array kStates{
    State::Asked,
    State::Waiting,
    State::Granted,
    State::Refused,
    State::Withdrawn,
    State::Revoked,
    State::Ended
};

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= kLabelMax && label.front() != '-' &&
           label.back() != '-' && std::ranges::all_of(label, [](unsigned char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

// In A-labels: RFC 5891 §4.4.
bool is_domain(std::string_view text) {
    return text.size() <= kDomainMax && text.find('.') != std::string_view::npos &&
           std::ranges::all_of(split(text, '.'), is_label);
}

std::string those(std::span<const Finding> findings, Mark mark) {
    std::string out;
    for (const Finding& one : findings) {
        if (one.mark == mark) {
            out += (out.empty() ? "" : "; ") + std::string(name(one.check)) + ": " + one.detail;
        }
    }
    return out;
}

Mark mark_of(std::span<const Finding> findings, Check check) {
    const auto found = std::ranges::find(findings, check, &Finding::check);
    return found == findings.end() ? Mark::Unknown : found->mark;
}

template <class All, class Value>
std::optional<Value> parsed(const All& all, std::string_view text) {
    const auto found =
        std::ranges::find_if(all, [text](const Value one) { return name(one) == text; });
    return found == all.end() ? std::nullopt : std::optional<Value>(*found);
}

}  // namespace

std::string_view name(Check check) {
    static constexpr std::array<std::string_view, 5> kNames{
        "held", "reverse-name", "spf", "relay", "lists"
    };
    return kNames.at(static_cast<std::size_t>(check));
}

std::string_view name(Mark mark) {
    static constexpr std::array<std::string_view, 3> kNames{"passed", "failed", "unknown"};
    return kNames.at(static_cast<std::size_t>(mark));
}

std::string_view name(State state) {
    static constexpr std::array<std::string_view, 7> kNames{
        "asked", "waiting", "granted", "refused", "withdrawn", "revoked", "ended"
    };
    return kNames.at(static_cast<std::size_t>(state));
}

std::optional<State> parse_state(std::string_view text) {
    return parsed<decltype(kStates), State>(kStates, text);
}

Status check(const Request& request) {
    if (request.login.empty() || request.line.empty()) {
        return fail(Errc::Invalid, "a request is of an account with a line");
    }
    if (!is_domain(request.domain)) {
        return fail(Errc::Invalid, "\"" + printable(request.domain, 64) + "\" is no domain");
    }
    if (trim(request.reason).empty() || request.reason.size() > kReasonMax ||
        !is_utf8(request.reason) || request.reason.find_first_of("\r\n") != std::string::npos) {
        return fail(Errc::Invalid, "a reason is one line of at most 300 bytes");
    }
    return {};
}

Decision decide(const Request& request, bool automatic, Time now) {
    if (const std::string failed = those(request.findings, Mark::Failed); !failed.empty()) {
        return {State::Refused, failed};
    }
    const bool whole = std::ranges::all_of(kChecks, [&](Check check) {
        return mark_of(request.findings, check) == Mark::Passed;
    });
    if (whole) {
        return automatic ? Decision{State::Granted, "every criterion is met"}
                         : Decision{State::Waiting, "every criterion is met; an operator decides"};
    }
    const std::string unknown = those(request.findings, Mark::Unknown);
    return now - request.created < kPatience
               ? Decision{State::Asked, unknown}
               : Decision{State::Waiting, "not known for a day: " + unknown};
}

Decision decide_again(const std::vector<Finding>& before, const std::vector<Finding>& found) {
    std::vector<Finding> reasons;
    for (const Finding& one : found) {
        const bool watched = one.check == Check::ReverseName || one.check == Check::Lists;
        const bool warned = one.check != Check::Spf || mark_of(before, Check::Spf) == Mark::Failed;
        if (one.mark == Mark::Failed && !watched && warned) {
            reasons.push_back(one);
        }
    }
    const std::string why = those(reasons, Mark::Failed);
    return why.empty() ? Decision{State::Granted, ""} : Decision{State::Revoked, why};
}

std::string to_text(std::span<const Finding> findings) {
    std::string out;
    for (const Finding& one : findings) {
        out += std::string(name(one.check)) + " " + std::string(name(one.mark)) + " " +
               printable(one.detail, kReasonMax) + "\n";
    }
    return out;
}

std::vector<Finding> parse_findings(std::string_view text) {
    std::vector<Finding> out;
    for (const std::string_view line : split(text, '\n')) {
        const auto first = line.find(' ');
        const auto second = line.find(' ', first == std::string_view::npos ? first : first + 1);
        if (second == std::string_view::npos) {
            continue;
        }
        const auto check = parsed<decltype(kChecks), Check>(kChecks, line.substr(0, first));
        const auto mark =
            parsed<decltype(kMarks), Mark>(kMarks, line.substr(first + 1, second - first - 1));
        if (check && mark) {
            out.push_back({*check, *mark, std::string(line.substr(second + 1))});
        }
    }
    return out;
}

Error no_request(std::int64_t id) {
    return {Errc::NotFound, "there is no request " + std::to_string(id)};
}

Error open_already(const Request& request) {
    return {
        Errc::Conflict,
        "request " + std::to_string(request.id) + " of " + request.login + " for " +
            request.address.text() + " is " + std::string(name(request.state))
    };
}

Error too_many() {
    return {Errc::Full, "an account may ask a few times a day only"};
}

}  // namespace sekisho::exemption
