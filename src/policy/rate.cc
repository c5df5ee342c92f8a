#include "base/result.h"
#include "base/time.h"
#include "policy/policy.h"

#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

namespace sekisho::policy {

Result<Rate> Rate::parse(std::string_view text) {
    const Error wrong{
        Errc::Invalid,
        "expected connections and a time from 1s to 7d, such as \"30/1h\" or \"5/1m\""
    };
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return fail(wrong);
    }
    Rate rate;
    const std::string_view number = text.substr(0, slash);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), rate.connections);
    const auto per = parse_duration(text.substr(slash + 1));
    if (error != std::errc() || end != number.data() + number.size() || rate.connections == 0 ||
        rate.connections > kRateConnectionsMax || !per || *per < std::chrono::seconds(1) ||
        *per > std::chrono::hours(24 * 7)) {
        return fail(wrong);
    }
    rate.per = *per;
    return rate;
}

std::string Rate::text() const {
    return std::to_string(connections) + "/" + format_duration(per);
}

}  // namespace sekisho::policy
