#include "cli/cli.h"

#include "cli/commands.h"
#include "cli/context.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

namespace sekisho::cli {

int run(int argc, char** argv) {
    Context context;
    Chosen chosen;
    CLI::App app{
        "Sekisho, the port 25 checkpoint: gate, mail server, guide and desk with one policy."
    };
    app.set_version_flag("--version", "sekisho " SEKISHO_VERSION);
    app.add_option(
        "-c,--config",
        context.config_file,
        "The configuration file (else $SEKISHO_CONFIG, sekisho.toml, var/sekisho.toml, "
        "/etc/sekisho/sekisho.toml)"
    );
    app.add_flag("--json", context.json, "Answer in JSON");
    app.fallthrough();
    app.require_subcommand(1);
    for (const auto add :
         {add_run,   add_gate,    add_mail,     add_peer,  add_desk,   add_account,
          add_alias, add_srs,     add_operator, add_audit, add_queue,  add_suppression,
          add_limit, add_conduct, add_dkim,     add_dns,   add_events, add_trace,
          add_why,   add_line,    add_config,   add_top,   add_doctor, add_reports}) {
        add(app, context, chosen);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDone : kUsage;
    }
    try {
        return chosen ? chosen() : kUsage;
    } catch (const std::exception& error) {
        fmt::print(stderr, "sekisho: {}\n", error.what());
        return kFailed;
    }
}

}  // namespace sekisho::cli
