// sekisho account set|show.
#include "account/account.h"
#include "account/validate.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/sender_rights.h"
#include "store/store.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string login;
    std::optional<std::string> name, line, language;
    std::vector<std::string> addresses, domains;
    bool no_domains = false;
};

std::string joined(const std::vector<std::string>& all) {
    std::string out;
    for (const std::string& one : all) {
        out += (out.empty() ? "" : ", ") + one;
    }
    return out.empty() ? "none" : out;
}

// What was asked for over what is there; in words for the journal.
std::string change(const Options& options, account::Account& a) {
    std::string what;
    const auto note = [&what](const std::string& one) { what += (what.empty() ? "" : "; ") + one; };
    if (!options.addresses.empty()) {
        std::vector<std::string> addresses;
        for (const std::string& one : options.addresses) {
            if (!one.starts_with('@')) {
                addresses.push_back(account::normalised(one));
            }
        }
        if (!addresses.empty()) {
            a.addresses = addresses;
            note("addresses " + joined(addresses));
        }
    }
    std::vector<std::string> domains = options.domains;
    for (const std::string& one : options.addresses) {
        if (one.starts_with('@')) {
            domains.push_back(account::normalised(one).substr(1));
        }
    }
    if (options.no_domains || !domains.empty()) {
        a.domains = domains;
        note("domains " + joined(domains));
    }
    for (const auto& [value, field, called] :
         {std::tuple{&options.name, &a.name, "name"},
          std::tuple{&options.line, &a.line, "line"},
          std::tuple{&options.language, &a.language, "language"}}) {
        if (*value) {
            *field = **value;
            note(std::string(called) + " " + **value);
        }
    }
    return what;
}

int set(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        auto found = store.accounts().find(options.login);
        if (!found) {
            return report(context, found.error());
        }
        const std::string what = change(options, *found);
        if (what.empty()) {
            return report(
                context, {Errc::Invalid, "nothing to set: give --address, --domain, --name, ..."}
            );
        }
        found->changed = now();
        const auto sound = account::checked(*found);
        if (!sound) {
            return report(context, sound.error());
        }
        if (const Status updated = store.accounts().update(*sound); !updated) {
            return report(context, updated.error());
        }
        record_change(store, sound->login, "set: " + what);
        print(context, account_json(*sound), sound->login + ": " + what);
        return kDone;
    });
}

std::string show_text(const Json& a, const Json& rights) {
    std::string out = a.value("login", "") + "\n";
    const auto row = [&out](const std::string& name, const std::string& value) {
        if (!value.empty()) {
            out += "  " + name + std::string(name.size() < 14 ? 14 - name.size() : 1, ' ') + value +
                   "\n";
        }
    };
    if (a.contains("enabled")) {
        const bool enabled = a.value("enabled", true);
        const std::string why = a.value("disabled_reason", "");
        row("state", enabled ? "enabled" : "disabled" + (why.empty() ? "" : ": " + why));
        row("name", a.value("name", ""));
        row("line", a.value("line", ""));
        row("notices",
            a.value("language", "both") == "both" ? "ja and en" : a.value("language", ""));
        row("created", a.value("created", ""));
        row("changed", a.value("changed", ""));
    } else {
        row("lives", "in another system");
    }
    for (const Json& one : rights.value("addresses", Json::array())) {
        row("sends as", one.get<std::string>());
    }
    for (const Json& one : rights.value("domains", Json::array())) {
        row("sends as", "any address of " + one.get<std::string>());
    }
    for (const Json& one : rights.value("aliases", Json::array())) {
        row("sends as", one.get<std::string>() + " (alias)");
    }
    for (const Json& one : rights.value("elsewhere", Json::array())) {
        row("sends as", one.get<std::string>() + " (elsewhere, proven)");
    }
    for (const Json& one : rights.value("delegated", Json::array())) {
        row("sends as", one.value("address", "") + " (delegate of " + one.value("owner", "") + ")");
    }
    for (const Json& one : rights.value("delegates", Json::array())) {
        row("delegates", one.get<std::string>());
    }
    out.pop_back();
    return out;
}

// What the mail role has heard from the account's source.
int show_elsewhere(const Context& context, const std::string& login) {
    return ask_mail(
        context,
        Json{{"command", "sendas-list"}, {"login", login}},
        [](const Json& answer) { return show_text(answer, answer.value("rights", Json::object())); }
    );
}

int show(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    const auto found = (*store)->accounts().find(options.login);
    if (!found && found.error().code == Errc::NotFound && !config->account_sources.empty()) {
        return show_elsewhere(context, account::normalised(options.login));
    }
    if (!found) {
        return report(context, found.error());
    }
    const auto rights = sender_rights(**store, *found);
    if (!rights) {
        return report(context, rights.error());
    }
    Json out = account_json(*found);
    out["rights"] = *rights;
    print(context, out, show_text(out, *rights));
    return kDone;
}

}  // namespace

void add_account_set(CLI::App& account, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* setting = account.add_subcommand("set", "Change what an account is; the rest stays");
    setting->add_option("login", options->login, "The account's login")->required();
    setting->add_option(
        "--address",
        options->addresses,
        "An address it sends as and receives for, instead of those before (again for more); "
        "@DOMAIN as --domain"
    );
    auto* domain = setting->add_option(
        "--domain",
        options->domains,
        "A domain that it may send as any address of, instead of those before (again for more)"
    );
    setting->add_flag("--no-domains", options->no_domains, "It has no domains any more")
        ->excludes(domain);
    setting->add_option("--name", options->name, "Name, for people");
    setting->add_option("--line", options->line, "The subscriber's line");
    setting->add_option("--language", options->language, "Of notices to its owner: ja, en or both")
        ->check(CLI::IsMember({"ja", "en", "both"}));
    setting->callback([&context, &chosen, options] {
        chosen = [&context, options] { return set(context, *options); };
    });
    auto* showing = account.add_subcommand("show", "One account, and what it may send as");
    showing->add_option("login", options->login, "The account's login")->required();
    showing->callback([&context, &chosen, options] {
        chosen = [&context, options] { return show(context, *options); };
    });
}

}  // namespace sekisho::cli
