#include "desk/metrics.h"

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
};
using Families = std::map<std::string, Family>;

// What the numbers mean that operators set alarms on; the rest is named by where it comes from.
constexpr std::pair<std::string_view, std::string_view> kHelp[] = {
    {"sekisho_mail_queue_acks_before_durable_total",
     "Messages answered 250 before they were on stable storage. Must stay 0"},
    {"sekisho_mail_queue_queued", "Messages in the queue"},
    {"sekisho_mail_queue_held", "Messages held by an operator or a rule"},
    {"sekisho_mail_queue_in_delivery", "Messages being delivered now"},
};

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
        const auto* const known =
            std::ranges::find(kHelp, name, &std::pair<std::string_view, std::string_view>::first);
        family.help = known != std::end(kHelp)
                          ? std::string(known->second)
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

std::string render(const Families& families) {
    std::string out;
    for (const auto& [name, family] : families) {
        out += fmt::format(
            "# HELP {0} {1}\n# TYPE {0} {2}\n",
            name,
            escape_help(family.help),
            family.counter ? "counter" : "gauge"
        );
        for (const auto& [labels, value] : family.samples) {
            std::string text;
            for (const auto& [key, content] : labels) {
                text +=
                    fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", key, escape_label(content));
            }
            out += text.empty() ? fmt::format("{} {}\n", name, number(value))
                                : fmt::format("{}{{{}}} {}\n", name, text, number(value));
        }
    }
    return out;
}

}  // namespace

std::string status_metrics(std::string_view role, const Json& status) {
    Families families;
    flatten(families, role, fmt::format("sekisho_{}", clean_name(role)), {}, status, 0);
    return render(families);
}

std::string metrics_text(const Context& context) {
    Families own;
    own["sekisho_build_info"] = {
        .help = "Constant 1, labelled with the version",
        .counter = false,
        .samples = {{{{"version", SEKISHO_VERSION}}, 1.0}}
    };
    Family& up = own["sekisho_up"];
    up.help = "Whether the role answered";
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
    Family& readable = own["sekisho_journal_up"];
    readable.help = "Whether the journal could be read";
    readable.samples.emplace_back(Labels{}, totals ? 1.0 : 0.0);
    if (totals) {
        Family& events = own["sekisho_events_total"];
        events.help = "Events recorded since this desk started, by kind";
        events.counter = true;
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
