// sekisho gate exempt|penalty add|list|renew|revoke: through the running gate, else into the store.
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/lease_ops.h"
#include "cli/policy_history.h"
#include "lease/lease.h"
#include "policy/stages.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string kind;  // "exemption", "penalty"
    std::string target, line, class_name, owner, reason, by, span, until, reverse_name;
    bool unlisted = false;
    std::uint32_t connections_per_day = 0;
    std::int64_t id = 0;
    bool all = false;
    std::size_t limit = 1000;
};

std::string lease_line(const Json& lease) {
    std::string out = fmt::format(
        "{} {}: {} is of class {} until {}",
        lease.value("kind", ""),
        lease.value("id", 0),
        lease.value("target", ""),
        lease.value("class", ""),
        lease.value("expires", "")
    );
    if (lease.contains("ended")) {
        out = fmt::format(
            "{} {} of {} ended at {} by {}: {}",
            lease.value("kind", ""),
            lease.value("id", 0),
            lease.value("target", ""),
            lease.value("ended", ""),
            lease.value("ended_by", ""),
            lease.value("ended_reason", "")
        );
    } else if (lease.contains("in_force")) {
        std::string prefixes;
        for (const Json& one : lease["in_force"]) {
            prefixes += (prefixes.empty() ? "" : ", ") + one.get<std::string>();
        }
        out += prefixes.empty() ? "\nnot in force: " + lease.value("why_not", "")
                                : "\nin force for " + prefixes;
    } else {
        out += "\nthe gate does not run here: in force when it does";
    }
    return out;
}

int change(const Context& context, const std::string& command, Json request) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    request["command"] = command;
    auto answer = ask(*config, "gate", request);
    // Without a gate the change is kept for when there is one.
    if (!answer && answer.error().code == Errc::Unavailable) {
        const auto source = source_in_force(*config);
        if (!source) {
            return report(context, source.error());
        }
        const auto policy = policy::compile_at(**source, now());
        if (!policy) {
            return report(context, policy.error());
        }
        const auto store = store::open_store(config->database());
        if (!store) {
            return report(context, store.error());
        }
        answer = change_lease(**store, **policy, config->gate, command, request);
        static_cast<void>((*store)->journal().flush());
    }
    if (!answer) {
        return report(context, answer.error());
    }
    print(context, *answer, lease_line(*answer));
    return kDone;
}

int add(const Context& context, const Options& options) {
    Json request{
        {"kind", options.kind},
        {"prefix", options.target},
        {"line", options.line},
        {"owner", options.owner},
        {"reason", options.reason},
        {"by", options.by},
        {"for", options.span},
        {"until", options.until},
        {"reverse_name", options.reverse_name},
        {"unlisted", options.unlisted},
        {"connections_per_day", options.connections_per_day},
    };
    if (!options.class_name.empty()) {
        request["class"] = options.class_name;
    }
    return change(context, "lease-add", std::move(request));
}

// What the running gate says of each, by id.
Json gate_view(const config::Config& config) {
    Json out = Json::object();
    if (const auto status = ask(config, "gate", Json{{"command", "status"}})) {
        for (const Json& one :
             status->value("leases", Json::object()).value("each", Json::array())) {
            out[std::to_string(one.value("id", 0))] = one;
        }
    }
    return out;
}

std::string list_text(const Json& leases) {
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : leases) {
        rows.push_back(
            {fmt::format("{}", one.value("id", 0)),
             one.value("target", ""),
             one.value("class", ""),
             one.value("expires", ""),
             one.value("owner", ""),
             one.contains("connections") ? fmt::format("{}", one.value("connections", 0)) : "-",
             one.contains("ended") ? "ended: " + one.value("ended_reason", "")
                                   : one.value("why_not", ""),
             one.value("reason", "")}
        );
    }
    return rows.empty() ? "none"
                        : table(
                              {"ID",
                               "TARGET",
                               "CLASS",
                               "UNTIL",
                               "OWNER",
                               "CONNECTIONS",
                               "NOT IN FORCE",
                               "REASON"},
                              rows
                          );
}

int list(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    auto leases = options.all ? (*store)->leases().all(options.limit) : (*store)->leases().living();
    if (!leases) {
        return report(context, leases.error());
    }
    const Json view = gate_view(*config);
    const Time at = now();
    Json out = Json::array();
    for (const lease::Lease& one : *leases) {
        if (lease::name(one.kind) != options.kind) {
            continue;
        }
        Json each = lease_json(one, at);
        if (const auto seen = view.find(std::to_string(one.id)); seen != view.end()) {
            each["in_force"] = seen->value("prefixes", Json::array());
            each["connections"] = seen->value("connections", 0);
            if (seen->contains("why_not")) {
                each["why_not"] = (*seen)["why_not"];
            }
        }
        out.push_back(std::move(each));
    }
    print(context, out, list_text(out));
    return kDone;
}

void add_span(CLI::App& app, Options& options) {
    auto* span = app.add_option("--for", options.span, "How long from now, such as 90d or 12h");
    app.add_option("--until", options.until, "Until when, such as 2027-03-31")->excludes(span);
}

}  // namespace

void add_leases(
    CLI::App& gate,
    Context& context,
    Chosen& chosen,
    const std::string& name,
    const std::string& kind
) {
    auto options = std::make_shared<Options>();
    options->kind = kind;
    options->by = operator_name();
    const bool penalty = kind == "penalty";
    auto* app = gate.add_subcommand(
        name,
        penalty ? "Outside addresses that are no mail servers: add, list, renew, revoke"
                : "Addresses or lines that may use port 25 for a time: add, list, renew, revoke"
    );
    app->require_subcommand(1);

    auto* adding = app->add_subcommand("add", penalty ? "Add a penalty" : "Add an exemption");
    auto* target = adding->add_option("prefix", options->target, "Address or prefix");
    if (penalty) {
        target->required();
    } else {
        adding->add_option("--line", options->line, "Or a subscriber's line: whatever it holds")
            ->excludes(target);
    }
    adding->add_option("--class", options->class_name, "The class it is put in");
    adding->add_option("--owner", options->owner, "Who asked for it: a customer, a ticket")
        ->required();
    adding->add_option("--reason", options->reason, "Why; shown to support")->required();
    add_span(*adding, *options);
    if (!penalty) {
        adding->add_option(
            "--reverse-name", options->reverse_name, "The name its address must have in the DNS"
        );
        adding->add_flag(
            "--unlisted", options->unlisted, "Only while no list of gate.dnsbl has it"
        );
        adding->add_option(
            "--connections-per-day",
            options->connections_per_day,
            "How many connections to port 25 it may open a day"
        );
    }
    adding->add_option("--by", options->by, "Who grants it, if not you");
    adding->callback([&context, &chosen, options] {
        chosen = [&context, options] { return add(context, *options); };
    });

    auto* listing = app->add_subcommand("list", "Those that live, and what the gate makes of them");
    listing->add_flag("--all", options->all, "Ended ones too, newest first");
    listing->add_option("--limit", options->limit, "Rows at the most")
        ->check(CLI::Range(1, 1000000));
    listing->callback([&context, &chosen, options] {
        chosen = [&context, options] { return list(context, *options); };
    });

    auto* renewing = app->add_subcommand("renew", "Another end");
    renewing->add_option("id", options->id, "Its number")->required();
    add_span(*renewing, *options);
    renewing->add_option("--by", options->by, "Who renews it, if not you");
    renewing->callback([&context, &chosen, options] {
        chosen = [&context, options] {
            return change(
                context,
                "lease-renew",
                Json{
                    {"id", options->id},
                    {"by", options->by},
                    {"for", options->span},
                    {"until", options->until}
                }
            );
        };
    });

    auto* revoking = app->add_subcommand("revoke", "End it now");
    revoking->add_option("id", options->id, "Its number")->required();
    revoking->add_option("--reason", options->reason, "Why")->required();
    revoking->add_option("--by", options->by, "Who revokes it, if not you");
    revoking->callback([&context, &chosen, options] {
        chosen = [&context, options] {
            return change(
                context,
                "lease-end",
                Json{{"id", options->id}, {"by", options->by}, {"reason", options->reason}}
            );
        };
    });
}

}  // namespace sekisho::cli
