// sekisho run: every role on one machine, each its own process, started, watched and stopped
// together; sekisho init.
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/init.h"
#include "cli/supervisor.h"
#include "config/config.h"
#include "config/reader.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

// The port that a listener got, from a summary line such as "submission 0.0.0.0:2587 (...)";
// `fallback` when none.
std::string port_of(
    const std::vector<std::string>& summary, const std::string& what, const std::string& fallback
) {
    for (const std::string& line : summary) {
        if (line.starts_with(what + " ")) {
            const std::string endpoint =
                line.substr(what.size() + 1, line.find(' ', what.size() + 1) - what.size() - 1);
            return endpoint.substr(endpoint.rfind(':') + 1);
        }
    }
    return fallback;
}

void tell(
    const config::Config& config,
    const FirstStart& first,
    const std::map<std::string, std::vector<std::string>>& summaries
) {
    fmt::print("\nSekisho is running; configuration {}\n", config.file);
    for (const auto& [role, lines] : summaries) {
        for (std::size_t i = 0; i < lines.size(); ++i) {
            fmt::print("  {:<5} {}\n", i == 0 ? role : "", lines[i]);
        }
    }
    fmt::print("  operator token: {}/operator.token\n", config.state_dir);
    if (!first.password.empty()) {
        fmt::print(
            "\nThe first account (its password is shown this once):\n  {}  {}\n",
            first.login,
            first.password
        );
    }
    const auto mail = summaries.find("mail");
    const std::string port =
        mail == summaries.end() ? "587" : port_of(mail->second, "submission", "587");
    fmt::print(
        "\nSend the first mail:\n  swaks --server 127.0.0.1:{} --tls --auth PLAIN --auth-user {} "
        "--auth-password {} --from {} --to {}\n",
        port,
        kFirstLogin,
        first.password.empty() ? "PASSWORD" : first.password,
        kFirstLogin,
        kFirstLogin
    );
    fmt::print("\nWhat to publish in the DNS for your domains: sekisho -c {} dns\n", config.file);
    fmt::print("Ctrl-C stops all of it.\n\n");
    std::fflush(stdout);
}

int run(Context context, const std::string& state) {
    FirstStart first;
    if (!state.empty()) {
        auto made = initialise(state);
        if (!made) {
            return report(context, made.error());
        }
        first = *made;
        context.config_file = first.config_file;
    }
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    Supervisor supervisor(config->file, {"gate", "mail", "desk"});
    const auto summaries = supervisor.start();
    if (!summaries) {
        return report(context, summaries.error());
    }
    if (!config->mail.port_fallback.empty()) {
        // The roles start side by side: only now does the desk find which ports the mail role got.
        static_cast<void>(ask(*config, "desk", Json{{"command", "reload"}}));
    }
    tell(*config, first, *summaries);
    return supervisor.watch();
}

}  // namespace

void add_run(CLI::App& app, Context& context, Chosen& chosen) {
    auto state = std::make_shared<std::string>();
    auto* running = app.add_subcommand("run", "Run every role on this machine, until Ctrl-C");
    running->add_option(
        "--state",
        *state,
        "Use this folder, and create in it what is missing: configuration, certificate, operator "
        "token, first account"
    );
    running->callback([&context, &chosen, state] {
        chosen = [&context, state] { return run(context, *state); };
    });

    auto* initialising = app.add_subcommand("init", "Create a state folder with working defaults");
    initialising->add_option("state", *state, "The folder")->required();
    initialising->callback([&context, &chosen, state] {
        chosen = [&context, state] {
            const auto first = initialise(*state);
            if (!first) {
                return report(context, first.error());
            }
            Json result{{"config", first->config_file}};
            std::string text = "configuration: " + first->config_file;
            if (!first->password.empty()) {
                result["login"] = first->login;
                result["password"] = first->password;
                text += "\nfirst account: " + first->login + "  " + first->password +
                        "   (shown this once)";
            }
            print(context, result, text);
            return kDone;
        };
    });
}

}  // namespace sekisho::cli
