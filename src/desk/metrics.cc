#include "desk/metrics.h"

#include "base/assert.h"
#include "desk/metrics_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::desk {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Family {
    std::string help;
    bool counter = false;
    std::vector<std::pair<Labels, double>> samples;
    struct Histogram {
        Labels labels;
        Json value;  // {"buckets": [{"le": "0.1", "count": 3}], "sum": 0.2, "count": 3}
    };
    std::vector<Histogram> histograms;  // with them there are no samples
};
using Families = std::map<std::string, Family>;

std::string clean_name(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        out += letter ? c : '_';
    }
    return out;
}

std::string escape_label(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

std::string escape_help(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : std::string(1, c);
    }
    return out;
}

std::string number(double value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    return fmt::format("{}", value);
}

void add_sample(
    Families& families, const std::string& name, std::string_view role, Labels labels, double value
) {
    Family& family = families[name];
    if (family.samples.empty()) {
        family.counter = name.ends_with("_total");
        const Metric* const known = find_metric(name);
        family.help = known != nullptr ? std::string(known->meaning)
                                       : fmt::format("As role {} reports it in its status", role);
    }
    family.samples.emplace_back(std::move(labels), value);
}

// Objects deepen the name, arrays of objects give labels; strings elsewhere are no metrics.
void flatten(
    Families& families,
    std::string_view role,
    const std::string& name,
    const Labels& labels,
    const Json& value,
    int depth
) {
    static constexpr int kDepthMax = 8;
    if (depth > kDepthMax) {
        return;
    }
    if (value.is_boolean()) {
        add_sample(families, name, role, labels, value.get<bool>() ? 1 : 0);
    } else if (value.is_number()) {
        add_sample(families, name, role, labels, value.get<double>());
    } else if (value.is_object() && value.contains("buckets")) {
        Family& family = families[name];
        const Metric* const known = find_metric(name);
        family.help = known != nullptr ? std::string(known->meaning) : "Seconds";
        family.histograms.push_back({labels, value});
    } else if (value.is_object()) {
        for (const auto& [key, member] : value.items()) {
            flatten(families, role, name + "_" + clean_name(key), labels, member, depth + 1);
        }
    } else if (value.is_array()) {
        for (const Json& element : value) {
            if (!element.is_object()) {
                continue;
            }
            Labels own = labels;
            for (const auto& [key, member] : element.items()) {
                if (member.is_string()) {
                    own.emplace_back(clean_name(key), member.get<std::string>());
                }
            }
            for (const auto& [key, member] : element.items()) {
                if (!member.is_string()) {
                    flatten(families, role, name + "_" + clean_name(key), own, member, depth + 1);
                }
            }
        }
    }
}

Family& family(Families& families, const std::string& name) {
    Family& out = families[name];
    const Metric* const known = find_metric(name);
    SEKISHO_ASSERT(known != nullptr);
    out.help = known->meaning;
    out.counter = name.ends_with("_total");
    return out;
}

// Packets and bytes of both directions, under labels that the others of the family have too.
void add_tallies(Families& families, const char* what, const Labels& labels, const Json& one) {
    const std::string name = fmt::format("sekisho_gate_{}", what);
    for (const auto& [member, direction] :
         {std::pair{"to", "to_port25"}, std::pair{"from", "from_port25"}}) {
        Labels all = labels;
        all.emplace_back("direction", direction);
        const Json tally = one.value(member, Json::object());
        family(families, name + "_packets_total")
            .samples.emplace_back(all, tally.value("packets", 0.0));
        family(families, name + "_bytes_total")
            .samples.emplace_back(all, tally.value("bytes", 0.0));
    }
}

Json take(Json& from, const char* key) {
    Json out = from.value(key, Json());
    from.erase(key);
    return out;
}

// What the gate says in lists gets names and labels of its own; `status` keeps the rest.
void take_gate(Families& families, Json& status) {
    const std::string engine = status.value("engine", "");
    std::map<std::string, std::string> used;  // by rule
    for (const Json& one : take(status, "downgrades")) {
        used[one.value("rule", "")] = one.value("used", "");
    }
    for (const Json& one : take(status, "rules")) {
        const std::string rule = one.value("name", "");
        const auto other = used.find(rule);
        add_tallies(
            families,
            "rule",
            {{"rule", rule},
             {"action", one.value("action", "")},
             {"done", other == used.end() ? one.value("action", "") : other->second},
             {"stage", one.value("stage", "")},
             {"engine", engine}},
            one
        );
    }
    if (const Json unnamed = take(status, "unnamed"); unnamed.is_object()) {
        // No rule has a name that begins so.
        const Labels labels{
            {"rule", "_none"},
            {"action", "pass"},
            {"done", "pass"},
            {"stage", ""},
            {"engine", engine}
        };
        add_tallies(families, "rule", labels, unnamed);
    }
    for (const Json& one : take(status, "clients")) {
        add_tallies(
            families, "client", {{"class", one.value("class", "")}, {"engine", engine}}, one
        );
    }
    for (const Json& one : take(status, "interfaces")) {
        family(families, "sekisho_gate_interface_attached")
            .samples.emplace_back(
                Labels{{"interface", one.value("name", "")}, {"mode", one.value("mode", "")}},
                one.value("attached", false) ? 1.0 : 0.0
            );
    }
    for (const Json& one : take(status, "classes")) {
        family(families, "sekisho_gate_class_prefixes")
            .samples.emplace_back(
                Labels{{"class", one.value("name", "")}}, one.value("prefixes", 0.0)
            );
    }
    const Json leases = take(status, "leases");
    for (const auto& [member, kind] :
         {std::pair{"exemptions", "exemption"}, std::pair{"penalties", "penalty"}}) {
        if (leases.is_object()) {
            family(families, "sekisho_gate_leases")
                .samples.emplace_back(Labels{{"kind", kind}}, leases.value(member, 0.0));
        }
    }
    const Json statistics = take(status, "statistics");
    for (const auto& [what, value] : statistics.items()) {
        family(families, "sekisho_gate_engine_total")
            .samples.emplace_back(Labels{{"what", what}}, value.get<double>());
    }
    if (status.contains("rows_lost")) {
        Family& lost = family(families, "sekisho_gate_events_lost_total");
        lost.samples.emplace_back(
            Labels{{"by", "engine"}},
            statistics.is_object() ? statistics.value("events_lost", 0.0) : 0
        );
        lost.samples.emplace_back(
            Labels{{"by", "journal"}}, take(status, "rows_lost").get<double>()
        );
    }
}

std::string sample(const std::string& name, const Labels& labels, double value) {
    std::string text;
    for (const auto& [key, content] : labels) {
        text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", key, escape_label(content));
    }
    return text.empty() ? fmt::format("{} {}\n", name, number(value))
                        : fmt::format("{}{{{}}} {}\n", name, text, number(value));
}

std::string render_histogram(const std::string& name, const Family::Histogram& histogram) {
    std::string out;
    for (const Json& bucket : histogram.value.at("buckets")) {
        Labels labels = histogram.labels;
        labels.emplace_back("le", bucket.value("le", ""));
        out += sample(name + "_bucket", labels, bucket.value("count", 0.0));
    }
    out += sample(name + "_sum", histogram.labels, histogram.value.value("sum", 0.0));
    return out + sample(name + "_count", histogram.labels, histogram.value.value("count", 0.0));
}

std::string render(const Families& families) {
    std::string out;
    for (const auto& [name, family] : families) {
        out += fmt::format(
            "# HELP {0} {1}\n# TYPE {0} {2}\n",
            name,
            escape_help(family.help),
            !family.histograms.empty() ? "histogram"
            : family.counter           ? "counter"
                                       : "gauge"
        );
        for (const auto& [labels, value] : family.samples) {
            out += sample(name, labels, value);
        }
        for (const Family::Histogram& histogram : family.histograms) {
            out += render_histogram(name, histogram);
        }
    }
    return out;
}

}  // namespace

std::string status_metrics(std::string_view role, const Json& whole) {
    Families families;
    Json status = whole;
    if (role == "gate") {
        take_gate(families, status);
    }
    flatten(families, role, fmt::format("sekisho_{}", clean_name(role)), {}, status, 0);
    return render(families);
}

std::string metrics_text(const Context& context) {
    Families own;
    family(own, "sekisho_build_info").samples = {{{{"version", SEKISHO_VERSION}}, 1.0}};
    Family& up = family(own, "sekisho_up");
    std::string roles;
    for (const char* role : {"gate", "mail"}) {
        const auto status = ask_role(context.control, role, Json{{"command", "status"}});
        up.samples.emplace_back(Labels{{"role", role}}, status ? 1.0 : 0.0);
        if (status) {
            roles += status_metrics(role, *status);
        }
    }
    // Counted from the start of this process on, so that the counters only grow.
    const auto totals = context.journal.totals(context.started);
    Family& readable = family(own, "sekisho_journal_up");
    readable.samples.emplace_back(Labels{}, totals ? 1.0 : 0.0);
    if (totals) {
        Family& events = family(own, "sekisho_events_total");
        for (const auto& [kind, count] : *totals) {
            events.samples.emplace_back(
                Labels{{"kind", std::string(event::name(kind))}}, static_cast<double>(count)
            );
        }
        if (events.samples.empty()) {
            own.erase("sekisho_events_total");
        }
    }
    return render(own) + roles;
}

}  // namespace sekisho::desk
