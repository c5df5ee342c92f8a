// sekisho config defaults|check|reference|settings, sekisho reload.
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "config/reader.h"
#include "guide/photograph.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

int check(const Context& context) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    std::size_t prefixes = 0;
    for (const auto& one : config->policy.classes) {
        prefixes += one.prefixes.size();
    }
    const Json result{
        {"file", config->file},
        {"classes", config->policy.classes.size()},
        {"prefixes", prefixes},
        {"rules", config->policy.rules.size()},
    };
    print(
        context,
        result,
        fmt::format(
            "{}: good; {} classes with {} prefixes, {} rules",
            config->file,
            config->policy.classes.size(),
            prefixes,
            config->policy.rules.size()
        )
    );
    return kDone;
}

// What a mail program is told: for who makes pictures, pages and letters of it elsewhere.
int settings(const Context& context) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto& told = config->settings;
    const bool implicit = told.submissions_port != 0;
    const Json result{
        {"provider", config->provider.name},
        {"provider_ja", config->provider.name_ja},
        {"domain", config->provider.domain},
        {"outgoing_host", told.outgoing_host},
        {"outgoing_port", implicit ? told.submissions_port : told.submission_port},
        {"security", implicit ? "SSL/TLS" : "STARTTLS"},
        {"incoming_host", told.incoming_host},
        {"incoming_type", told.incoming_type},
        {"incoming_port", told.incoming_port},
        {"shown", guide::settings_shown(*config)},
    };
    print(
        context,
        result,
        fmt::format(
            "{}: outgoing {}; incoming {} {} {}",
            config->provider.name,
            guide::settings_shown(*config),
            told.incoming_type,
            told.incoming_host,
            told.incoming_port
        )
    );
    return kDone;
}

// Asks each running role to read the file again. A role that is not running is no fault, unless it
// was named.
int reload(const Context& context, const std::vector<std::string>& named) {
    const auto config = load_config(context);
    if (!config) {
        fmt::print(stderr, "nothing was changed\n");
        return config.error();
    }
    const std::vector<std::string> every{"gate", "mail", "desk"};
    Json result = Json::object();
    std::string text;
    bool failed = false;
    std::size_t reached = 0;
    for (const std::string& role : named.empty() ? every : named) {
        const auto answer = ask(*config, role, Json{{"command", "reload"}});
        if (answer) {
            ++reached;
            result[role] = *answer;
            text += role + ": the new configuration is in force\n";
            for (const auto& note : answer->value("notes", Json::array())) {
                text += "  " + note.get<std::string>() + "\n";
            }
        } else if (answer.error().code == Errc::NotFound ||
                   answer.error().code == Errc::Unavailable) {
            result[role] = Json{{"running", false}};
            text += role + ": not running\n";
            failed = failed || !named.empty();
        } else {
            result[role] = Json{{"error", answer.error().message}};
            text += role + ": " + answer.error().message + "\n";
            failed = true;
        }
    }
    print(context, result, text);
    return failed || reached == 0 ? kFailed : kDone;
}

}  // namespace

void add_config(CLI::App& app, Context& context, Chosen& chosen) {
    auto* config =
        app.add_subcommand("config", "The configuration: defaults, check, reference, settings");
    config->require_subcommand(1);
    config
        ->add_subcommand("defaults", "Print a commented sekisho.toml with every key at its default")
        ->callback([&chosen] {
            chosen = [] {
                fmt::print("{}", config::defaults_toml());
                return kDone;
            };
        });
    config->add_subcommand("reference", "Print the reference page (docs/configuration.md)")
        ->callback([&chosen] {
            chosen = [] {
                fmt::print("{}", config::reference_markdown());
                return kDone;
            };
        });
    auto* checking = config->add_subcommand(
        "check", "Read the file as the roles do; tell every fault with its line"
    );
    checking->add_option("file", context.config_file, "The file to check");
    checking->callback([&context, &chosen] { chosen = [&context] { return check(context); }; });

    config->add_subcommand("settings", "What a mail program is told: servers, ports, names")
        ->callback([&context, &chosen] { chosen = [&context] { return settings(context); }; });

    auto* reloading = app.add_subcommand(
        "reload",
        "Put a changed policy, certificate or limit in force without dropping a connection"
    );
    auto roles = std::make_shared<std::vector<std::string>>();
    reloading->add_option("roles", *roles, "gate, mail, desk; all running ones when none is named")
        ->check(CLI::IsMember({"gate", "mail", "desk"}));
    reloading->callback([&context, &chosen, roles] {
        chosen = [&context, roles] { return reload(context, *roles); };
    });
}

}  // namespace sekisho::cli
