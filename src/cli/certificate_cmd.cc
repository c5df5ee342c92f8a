// sekisho certificate show|renew.
#include "base/result.h"
#include "base/time.h"
#include "cli/acme.h"
#include "cli/commands.h"
#include "cli/context.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

std::string show_text(const Json& one) {
    std::string out = fmt::format(
        "{}\nends     {}{}\n",
        one.value("file", ""),
        one.value("until", ""),
        one.value("self_signed", false) ? ", self-signed" : ""
    );
    if (!one.value("for_hostname", true)) {
        out += "faulty   it does not name mail.hostname\n";
    }
    if (!one.value("acme", false)) {
        return out + "acme     off: who put the file there renews it";
    }
    const std::string due = one.value("due", "");
    out += fmt::format(
        "acme     for {}; {}",
        fmt::join(one["names"].get<std::vector<std::string>>(), ", "),
        due.empty() ? "good" : "a new one is needed: " + due
    );
    if (one.contains("failure")) {
        const Json& failure = one["failure"];
        out += fmt::format(
            "\nfailed   {} in a row, last at {}, again from {} on: {}",
            failure.value("count", 1),
            failure.value("at", ""),
            failure.value("next_try", ""),
            failure.value("why", "")
        );
    }
    return out;
}

int show(const Context& context) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto found = certificate_json(*config, now());
    if (!found) {
        return report(context, found.error());
    }
    print(context, *found, show_text(*found));
    return kDone;
}

int renew(const Context& context, bool force) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    if (config->acme.directory.empty()) {
        return report(
            context, Error{Errc::Invalid, "acme.directory is empty: nobody is asked for one"}
        );
    }
    if (!force && !acme_due(*config, now())) {
        const auto found = certificate_json(*config, now());
        print(context, found.value_or(Json{}), "the certificate is good; --force gets one anyway");
        return kDone;
    }
    const std::atomic<bool> never{false};
    if (const Status done = obtain_certificate(*config, never); !done) {
        return report(context, done.error());
    }
    return show(context);
}

}  // namespace

void add_certificate(CLI::App& app, Context& context, Chosen& chosen) {
    auto* certificate = app.add_subcommand("certificate", "The certificate of mail and guide");
    certificate->require_subcommand(1);
    certificate->add_subcommand("show", "Its end, and what ACME does about it")
        ->callback([&context, &chosen] { chosen = [&context] { return show(context); }; });
    auto force = std::make_shared<bool>(false);
    auto* again = certificate->add_subcommand("renew", "Get one by ACME now, if one is needed");
    again->add_flag("--force", *force, "Also when the one in force is good");
    again->callback([&context, &chosen, force] {
        chosen = [&context, force] { return renew(context, *force); };
    });
}

}  // namespace sekisho::cli
