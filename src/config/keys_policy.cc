// The keys of [[class]], [[region]] and [[rule]].
#include "base/ip.h"
#include "base/time.h"
#include "config/key_types.h"
#include "config/keys.h"
#include "policy/policy.h"

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

// The place in the T that a key fills.
#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

constexpr const char* kShareHelp =
    "Percent of the lines, 1 to 100. Always the same lines; one that is in a share of 10 percent "
    "is "
    "in one of 20. Of addresses of which no line is known none is in a share below 100.";

template <class T, class Ref, class Parse>
Key<T> word(
    std::string name,
    Ref ref,
    Parse parse,
    std::string range,
    std::string fallback,
    std::string help
) {
    Key<T> key{
        std::move(name), "string", std::move(range), std::move(fallback), std::move(help), true, {}
    };
    key.read = [ref, parse, range = key.range](
                   T& target, const toml::node& node
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

template <class T>
Key<T> rate_key() {
    Key<T> key{
        "rate",
        "string",
        "connections/time",
        "\"\"",
        "For `limit`: how many connections each source (an IPv4 address, or an IPv6 /64) may open, "
        "such as `30/1h`: a bucket of 30, full at first, that refills in an hour.",
        true,
        {}
    };
    key.read = [](T& target, const toml::node& node) -> std::optional<std::string> {
        const auto written = node.value_exact<std::string>();
        if (written && written->empty()) {
            target.rate = {};
            return std::nullopt;
        }
        const auto rate = policy::Rate::parse(written.value_or(""));
        if (!rate) {
            return rate.error().message;
        }
        target.rate = *rate;
        return std::nullopt;
    };
    return key;
}

// A date (its midnight) and a time without offset are those of the machine's time zone.
std::optional<Time> read_time(const toml::node& node) {
    toml::date date{};
    toml::time time{};  // midnight, where only a date is given
    std::optional<toml::time_offset> offset;
    if (const auto* day = node.as_date()) {
        date = day->get();
    } else if (const auto* moment = node.as_date_time()) {
        date = moment->get().date;
        time = moment->get().time;
        offset = moment->get().offset;
    } else {
        return std::nullopt;
    }
    const std::chrono::year_month_day day{
        std::chrono::year{date.year}, std::chrono::month{date.month}, std::chrono::day{date.day}
    };
    if (!day.ok()) {
        return std::nullopt;
    }
    if (offset) {
        return Time(std::chrono::sys_days(day)) + std::chrono::hours{time.hour} +
               std::chrono::minutes{time.minute} + std::chrono::seconds{time.second} -
               std::chrono::minutes{offset->minutes};
    }
    std::tm local{};
    local.tm_year = date.year - 1900;
    local.tm_mon = date.month - 1;
    local.tm_mday = date.day;
    local.tm_hour = time.hour;
    local.tm_min = time.minute;
    local.tm_sec = time.second;
    local.tm_isdst = -1;
    return Time(std::chrono::seconds{std::mktime(&local)});
}

const Table<policy::Step>& step_table() {
    using T = policy::Step;
    static const Table<T> table = [] {
        Key<T> when{"at", "date or time", "", "", "", true, {}};
        when.read = [](T& step, const toml::node& node) -> std::optional<std::string> {
            const auto at = read_time(node);
            if (!at) {
                return "expected a date or a time without quotes, such as 2027-04-01 or "
                       "2027-04-01T09:00:00+09:00";
            }
            step.at = *at;
            return std::nullopt;
        };
        return Table<T>{
            "steps",
            true,
            "",
            {
                when,
                required(word<T>(
                    "stage",
                    SEKISHO_AT(stage),
                    policy::parse_stage,
                    "observe, notify, enforce",
                    "",
                    ""
                )),
                text<T>("to", SEKISHO_AT(to), ""),
                texts<T>("regions", SEKISHO_AT(scope.regions), ""),
                number<T>("share", SEKISHO_AT(scope.share), 1, 100, ""),
            }
        };
    }();
    return table;
}

// One step, or what is wrong with it.
std::optional<std::string> read_step(policy::Step& step, const toml::table& content) {
    for (const auto& [key, inner] : content) {
        bool known = false;
        for (const Key<policy::Step>& one : step_table().keys) {
            if (one.name != key.str()) {
                continue;
            }
            known = true;
            if (auto wrong = one.read(step, inner)) {
                return one.name + ": " + *wrong;
            }
        }
        if (!known) {
            return std::string(key.str()) + ": a step has at, stage, to, regions and share";
        }
    }
    for (const Key<policy::Step>& one : step_table().keys) {
        if (one.fallback.empty() && !content.contains(one.name)) {
            return one.name + ": is missing";
        }
    }
    return std::nullopt;
}

Key<policy::RuleSource> steps_key() {
    Key<policy::RuleSource> key{
        "steps",
        "list of steps",
        "",
        "[]",
        "From when on the rule is in another stage, in order of time: `{ at = 2027-04-01, stage = "
        "\"enforce\" }`. `to` (a class), `regions` and `share` (percent of the lines) make it a "
        "step of that part alone; what it doesn't name stays as it was. A date is its midnight "
        "here. `sekisho gate plan` shows what is in force when.",
        true,
        {}
    };
    key.read = [](policy::RuleSource& rule, const toml::node& node) -> std::optional<std::string> {
        rule.steps.clear();
        return read_list(node, [&rule](const toml::node& one) -> std::optional<std::string> {
            const toml::table* content = one.as_table();
            if (content == nullptr) {
                return "expected a list of steps, such as [{ at = 2027-04-01, stage = \"enforce\" "
                       "}]";
            }
            policy::Step step;
            step.origin = std::to_string(one.source().begin.line);  // the reader adds the file
            if (auto wrong = read_step(step, *content)) {
                return wrong;
            }
            rule.steps.push_back(std::move(step));
            return std::nullopt;
        });
    };
    return key;
}

// Of what has prefixes, written or in files.
template <class T>
std::vector<Key<T>> network_keys(const std::string& what, std::string name_help) {
    return {
        required(text<T>("name", SEKISHO_AT(source.name), std::move(name_help))),
        text<T>("note", SEKISHO_AT(source.note), "For people: what the " + what + " is."),
        parsed<Prefix, T>(
            "prefixes", SEKISHO_AT(source.prefixes), "list of prefixes", "Its prefixes."
        ),
        texts<T>(
            "files",
            SEKISHO_AT(files),
            "Files with more prefixes, one a line, relative to sekisho.toml. They are watched: "
            "a change is put in force."
        ),
    };
}

}  // namespace

const Table<ClassTable>& class_table() {
    static const Table<ClassTable> table{
        "class",
        true,
        "A class of networks. An address belongs to one class: that of its longest prefix; to "
        "`outside` when none holds it.",
        network_keys<ClassTable>(
            "class",
            "Unique name. Usual ones: subscribers, static, roaming, submission, exchange, "
            "mail-servers, others-dynamic."
        )
    };
    return table;
}

const Table<RegionTable>& region_table() {
    static const Table<RegionTable> table{
        "region",
        true,
        "Where lines are, beside what class they are of: for rules that come region by region. An "
        "address is in the region of its longest prefix, or in none.",
        network_keys<RegionTable>("region", "Unique name.")
    };
    return table;
}

const Table<policy::RuleSource>& rule_table() {
    using T = policy::RuleSource;
    static const Table<T> table{
        "rule",
        true,
        "What happens on TCP port 25 between two classes, in both directions of the flow. The "
        "first rule that names both classes decides; a pair that none names passes.",
        {
            required(
                text<T>("name", SEKISHO_AT(name), "Unique name; counters and explanations use it.")
            ),
            required(text<T>(
                "from", SEKISHO_AT(from), "Class of the end that opens the connection, or `*`."
            )),
            required(
                text<T>("to", SEKISHO_AT(to), "Class of the end that listens on port 25, or `*`.")
            ),
            word<T>(
                "action",
                SEKISHO_AT(action),
                policy::parse_action,
                "pass, count, limit, refuse, drop, answer",
                "\"pass\"",
                "What is done. `refuse` answers at once (TCP RST); `drop` is silent; `limit` "
                "refuses new connections beyond `rate`; `answer` takes the connection, says why "
                "(554, with the guide's page and a reference number) and no mail."
            ),
            rate_key<T>(),
            word<T>(
                "stage",
                SEKISHO_AT(stage),
                policy::parse_stage,
                "observe, notify, enforce",
                "\"enforce\"",
                "`observe` and `notify` count and report, and let the packet pass."
            ),
            texts<T>(
                "regions",
                SEKISHO_AT(scope.regions),
                "Only connections that are opened from these [[region]]s. Empty: from everywhere."
            ),
            number<T>("share", SEKISHO_AT(scope.share), 1, 100, kShareHelp),
            steps_key(),
            text<T>(
                "note",
                SEKISHO_AT(note),
                "Why; shown by `sekisho gate explain` and to the support desk."
            ),
        }
    };
    return table;
}

#undef SEKISHO_AT

}  // namespace sekisho::config
