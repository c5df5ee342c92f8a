// The keys of [[limit]] and [limits].
#include "base/result.h"
#include "base/time.h"
#include "base/time_zone.h"
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"
#include "limit/gcra.h"
#include "limit/quota.h"
#include "limit/spec.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <utility>
#include <variant>

namespace sekisho::config {
namespace {

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

template <class Ref, class Parse>
Key<LimitTable> one_of(
    std::string name,
    Ref ref,
    Parse parse,
    std::string range,
    std::string fallback,
    std::string help
) {
    Key<LimitTable> key{
        std::move(name), "string", std::move(range), quote(fallback), std::move(help), true, {}
    };
    key.read = [ref, parse, range = key.range](
                   LimitTable& target, const toml::node& node
               ) -> std::optional<std::string> {
        const auto written = node.value_exact<std::string>();
        const auto value = parse(written.value_or(""));
        if (!value) {
            return "expected one of: " + range;
        }
        ref(target) = *value;
        return std::nullopt;
    };
    return key;
}

Key<LimitTable> by_key() {
    Key<LimitTable> key{
        "by",
        "list of strings",
        "account, line, address, prefix, sender, sender-domain, domain, class",
        "",
        "What has a count of its own: each account, each line, each client's address (IPv6: its "
        "/64) or prefix, each reverse-path or its domain, each recipient's domain, each class of "
        "the client's address. Several together make one key, as `[\"account\", \"domain\"]`.",
        true,
        {}
    };
    key.read = [range = key.range](LimitTable& t, const toml::node& node) {
        t.spec.by.clear();
        return read_list(node, [&](const toml::node& one) -> std::optional<std::string> {
            const auto by = limit::parse_by(one.value_exact<std::string>().value_or(""));
            if (!by) {
                return "expected a list of: " + range;
            }
            t.spec.by.push_back(*by);
            return std::nullopt;
        });
    };
    return key;
}

Key<LimitTable> day_key() {
    Key<LimitTable> key{
        "per_day",
        "integer or size",
        "",
        "0",
        "So many in a calendar day instead of `rate`.",
        true,
        {}
    };
    key.read = [](LimitTable& t, const toml::node& node) -> std::optional<std::string> {
        if (const auto number = node.value_exact<std::int64_t>(); number && *number >= 0) {
            t.per_day = *number;
            return std::nullopt;
        }
        const auto size = parse_size(node.value_exact<std::string>().value_or("-"));
        if (!size || *size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            return "expected a number, or a size such as \"500MiB\"";
        }
        t.per_day = static_cast<std::int64_t>(*size);
        return std::nullopt;
    };
    return key;
}

template <class T, class Ref>
Key<T> zone(std::string fallback, Ref ref, std::string help) {
    Key<T> key{
        "time_zone",
        "string",
        "a place, as Asia/Tokyo, or +HH:MM, -HH:MM, Z",
        quote(fallback),
        std::move(help),
        true,
        {}
    };
    key.read = [ref, may_be_empty = fallback.empty()](
                   T& target, const toml::node& node
               ) -> std::optional<std::string> {
        const std::string text = node.value_exact<std::string>().value_or("-");
        if (text.empty() && may_be_empty) {
            return std::nullopt;
        }
        const auto read = TimeZone::parse(text);
        if (!read) {
            return read.error().message;
        }
        ref(target) = *read;
        return std::nullopt;
    };
    return key;
}

// "300/1h", "500MiB/1d"; the burst is set elsewhere.
Result<limit::Rate> parse_rate(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto count = parse_size(text.substr(0, slash));
    const auto per =
        slash == std::string_view::npos ? std::nullopt : parse_duration(text.substr(slash + 1));
    const auto max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!count || !per || *count > max) {
        return fail(
            Errc::Invalid, "expected a number or size and a time, such as \"300/1h\" or \"1GiB/1d\""
        );
    }
    return limit::Rate{.count = static_cast<std::int64_t>(*count), .per = *per};
}

}  // namespace

Table<Config> limits_table() {
    using C = Config;
    return {
        "limits",
        false,
        "What every [[limit]] shares. Counters are kept in the database every two seconds: a crash "
        "loses what came since.",
        {
            zone<C>(
                "Z",
                SEKISHO_AT(limits.time_zone),
                "When a day begins for limits by day: at the subscribers' midnight. An account may "
                "have a time zone of its own (`sekisho account set --time-zone`), which counts for "
                "limits by account."
            ),
            with_default(
                texts<C>(
                    "home_classes",
                    SEKISHO_AT(limits.home_classes),
                    "Classes in which a client is at home. So is one of which the line is known."
                ),
                R"(["subscribers", "static"])"
            ),
            with_default(
                texts<C>(
                    "domestic_classes",
                    SEKISHO_AT(limits.domestic_classes),
                    "Classes in which a client is roaming in the country. Any other is abroad, "
                    "unless `country_file` says otherwise."
                ),
                R"(["roaming"])"
            ),
            texts<C>(
                "relay_networks",
                SEKISHO_AT(limits.relay_networks),
                "Files of prefixes, one a row, of services that subscribers come through from "
                "wherever they are: private relays, company proxies, clouds. Who comes from there "
                "is neither abroad nor in another country."
            ),
            text<C>(
                "country",
                SEKISHO_AT(limits.country),
                "The provider's country (ISO 3166-1, two letters), for `country_file`."
            ),
            text<C>(
                "country_file",
                SEKISHO_AT(limits.country_file),
                "A table of `PREFIX,CC`, one a line, that tells in which country an address is. "
                "It is watched."
            ),
        }
    };
}

const Table<LimitTable>& limit_table() {
    using T = LimitTable;
    static const Table<T> table{
        "limit",
        true,
        "A limit on what clients may do. Several may hold for one act: it passes when all of them "
        "let it, and one that refuses takes nothing from the others. A limit of the name "
        "`recipients_per_hour` or `recipients_per_day` takes the place of the `mail` key of that "
        "name.",
        {
            required(text<T>(
                "name", SEKISHO_AT(spec.name), "Unique name; refusals, metrics and events show it."
            )),
            by_key(),
            one_of(
                "count",
                SEKISHO_AT(spec.counts),
                limit::parse_counts,
                "messages, recipients, bytes, connections, failed-logins, new-recipients, "
                "refused-recipients",
                "recipients",
                "What is counted. `new-recipients`: to whom the account did not send in the last "
                "90 days. `refused-recipients`: answered 5xx, such as unknown users."
            ),
            text<T>(
                "rate",
                SEKISHO_AT(rate),
                "So many in a time, such as `300/1h` or, for bytes, `500MiB/1d`: that many at once "
                "after a pause, and evenly after that."
            ),
            number<T>(
                "burst",
                SEKISHO_AT(burst),
                0,
                1'000'000'000'000,
                "How many at once, where that is not the number of `rate`."
            ),
            day_key(),
            zone<T>(
                "",
                SEKISHO_AT(time_zone),
                "For `per_day`: when a day begins. Empty: `limits.time_zone`."
            ),
            one_of(
                "where",
                SEKISHO_AT(spec.where),
                limit::parse_where,
                "anywhere, home, domestic, abroad",
                "anywhere",
                "Only clients that are at home, roaming in the country, or abroad; see [limits]."
            ),
            one_of(
                "service",
                SEKISHO_AT(spec.service),
                limit::parse_service,
                "submission, exchange, both",
                "submission",
                "For mail programs, for other mail servers, or for both."
            ),
            number<T>(
                "prefix_v4",
                SEKISHO_AT(spec.width_v4),
                8,
                32,
                "For `by` prefix: the length of an IPv4 prefix."
            ),
            number<T>(
                "prefix_v6", SEKISHO_AT(spec.width_v6), 16, 128, "The length of an IPv6 prefix."
            ),
            flag<T>(
                "shadow",
                SEKISHO_AT(spec.shadow),
                "Counts and writes an event about who would be refused, and refuses nobody."
            ),
        }
    };
    return table;
}

Result<limit::Spec> spec_of(const LimitTable& table, const TimeZone& time_zone) {
    limit::Spec spec = table.spec;
    if (table.rate.empty() == (table.per_day == 0)) {
        return fail(Errc::Invalid, "needs either rate or per_day");
    }
    if (table.rate.empty()) {
        if (table.burst != 0) {
            return fail(Errc::Invalid, "burst is for rate alone");
        }
        spec.how = limit::Day{.max = table.per_day, .zone = table.time_zone.value_or(time_zone)};
    } else {
        auto rate = parse_rate(table.rate);
        if (!rate) {
            return fail(Errc::Invalid, "rate: " + rate.error().message);
        }
        rate->burst = static_cast<std::int64_t>(table.burst);
        spec.how = *rate;
    }
    if (const Status good = limit::check(spec); !good) {
        return fail(good.error());
    }
    return spec;
}

#undef SEKISHO_AT

}  // namespace sekisho::config
