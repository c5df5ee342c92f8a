// The keys of [[destination]].
#include "base/time.h"
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"
#include "delivery/routes/destination_rule.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using namespace std::chrono_literals;
using T = delivery::DestinationRule;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

constexpr std::uint64_t kConnectionsMax = 1000;
constexpr std::uint64_t kMessagesMax = 1'000'000;

// "100/1m".
std::optional<std::string> read_rate(T& rule, const toml::node& node) {
    const std::string text = node.value_exact<std::string>().value_or("");
    if (text.empty() && node.is_string()) {
        rule.messages = 0;
        return std::nullopt;
    }
    const std::size_t slash = text.find('/');
    const auto count = parse_size(std::string_view(text).substr(0, slash));
    const auto per = slash == std::string::npos
                         ? std::nullopt
                         : parse_duration(std::string_view(text).substr(slash + 1));
    if (!count || *count < 1 || *count > kMessagesMax || !per || *per < 1s || *per > 24h) {
        return "expected messages and a time from 1s to 24h, such as \"100/1m\"";
    }
    rule.messages = static_cast<std::uint32_t>(*count);
    rule.per = *per;
    return std::nullopt;
}

}  // namespace

const Table<T>& destination_table() {
    static const Table<T> table = [] {
        Key<T> rate{
            "rate",
            "string",
            "messages/time",
            "\"\"",
            "How many messages it is given at most, such as `100/1m`, evenly. Empty: as fast as it "
            "takes them.",
            true,
            {}
        };
        rate.read = read_rate;
        return Table<T>{
            "destination",
            true,
            "What is done otherwise at single destinations. The first of the file that fits a "
            "recipient's domain, and the best of its mail hosts, counts.",
            {
                required(text<T>("name", SEKISHO_AT(name), "Unique name, for logs and commands.")),
                texts<T>(
                    "domains",
                    SEKISHO_AT(domains),
                    "Domains of recipients: `example.net`, `.example.net` for all below it, `*`."
                ),
                texts<T>(
                    "hosts",
                    SEKISHO_AT(hosts),
                    "Names of mail hosts, likewise: all domains that one provider takes mail for. "
                    "With `domains`, both must fit."
                ),
                number<T>(
                    "concurrency",
                    SEKISHO_AT(concurrency),
                    0,
                    kConnectionsMax,
                    "Connections at once. 0: `delivery.concurrency_per_destination`."
                ),
                std::move(rate),
                waits<T>(
                    "retry",
                    SEKISHO_AT(retry),
                    "[]",
                    "Waits between tries. Empty: `queue.retry`. Of a message with recipients in "
                    "several destinations the soonest counts."
                ),
                duration<T>(
                    "expire",
                    SEKISHO_AT(expire),
                    0s,
                    24h * 30,
                    "How long a recipient there is tried. 0: `queue.expire`, which it can't exceed."
                ),
            }
        };
    }();
    return table;
}

#undef SEKISHO_AT

std::vector<std::pair<std::string, std::string>> faults_of(
    delivery::DestinationRule& rule, const std::vector<delivery::DestinationRule>& others
) {
    std::vector<std::pair<std::string, std::string>> out;
    if (rule.name.empty() || std::ranges::find(others, rule.name, &T::name) != others.end()) {
        out.emplace_back("name", "\"" + rule.name + "\" is empty, or there already");
    }
    if (auto wrong = delivery::check_destination(rule)) {
        out.emplace_back("domains", std::move(*wrong));
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> destination_faults(const Config& config) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const T& rule : config.delivery.destinations) {
        if (rule.expire > config.queue.expire) {
            out.emplace_back(
                "destination.expire", "of \"" + rule.name + "\" is longer than queue.expire"
            );
        }
    }
    return out;
}

}  // namespace sekisho::config
