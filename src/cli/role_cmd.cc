// sekisho mail [run|status], sekisho desk [run|status].
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/role.h"
#include "desk/metrics_table.h"
#include "desk/openapi.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <string>

namespace sekisho::cli {
namespace {

int status(const Context& context, const std::string& role) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto answer = ask(*config, role, Json{{"command", "status"}});
    if (!answer) {
        return report(context, answer.error());
    }
    print(context, *answer, answer->dump(2));
    return kDone;
}

CLI::App* add_role(
    CLI::App& app,
    Context& context,
    Chosen& chosen,
    const std::string& name,
    const std::string& help,
    int (*run)(const Context&)
) {
    auto* role = app.add_subcommand(name, help);
    role->require_subcommand(0, 1);
    role->callback([&context, &chosen, run] {
        if (!chosen) {
            chosen = [&context, run] { return run(context); };
        }
    });
    role->add_subcommand("run", "Run it in the foreground")->callback([&context, &chosen, run] {
        chosen = [&context, run] { return run(context); };
    });
    role->add_subcommand("status", "Its counters")->callback([&context, &chosen, name] {
        chosen = [&context, name] { return status(context, name); };
    });
    return role;
}

}  // namespace

void add_mail(CLI::App& app, Context& context, Chosen& chosen) {
    add_role(app, context, chosen, "mail", "The mail server: alone, runs it; status", run_mail);
}

void add_desk(CLI::App& app, Context& context, Chosen& chosen) {
    auto* desk = add_role(
        app, context, chosen, "desk", "Guide and desk: alone, runs them; status", run_desk
    );
    desk->add_subcommand("metrics-reference", "docs/metrics.md: what /metrics says")
        ->callback([&chosen] {
            chosen = [] {
                fmt::print("{}", desk::metrics_reference());
                return kDone;
            };
        });
    desk->add_subcommand("api-reference", "docs/api.md: what the API can be asked for")
        ->callback([&chosen] {
            chosen = [] {
                fmt::print("{}", desk::api_reference());
                return kDone;
            };
        });
}

}  // namespace sekisho::cli
