// sekisho account app-password add|list|revoke.
#include "account/account.h"
#include "account/app_password.h"
#include "account/password.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "store/store.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string login, name, expires;
    std::vector<std::string> from;
};

std::string joined(const std::vector<Prefix>& prefixes) {
    std::string out;
    for (const Prefix& one : prefixes) {
        out += (out.empty() ? "" : ", ") + one.text();
    }
    return out;
}

std::string day_or(Time time, const char* never) {
    return time == Time{} ? never : rfc3339(time);
}

Json to_json(const account::AppPassword& one) {
    Json from = Json::array();
    for (const Prefix& prefix : one.from) {
        from.push_back(prefix.text());
    }
    Json out{{"name", one.name}, {"from", std::move(from)}, {"created", rfc3339(one.created)}};
    if (one.expires != Time{}) {
        out["expires"] = rfc3339(one.expires);
    }
    if (one.last_used != Time{}) {
        out["last_used"] = rfc3339(one.last_used);
        out["last_address"] = one.last_address;
    }
    return out;
}

// "90d" from now, or a time.
Result<Time> expiry(const std::string& text, Time now) {
    const auto span = parse_duration(text);
    const auto at = span ? std::optional{now + *span} : parse_rfc3339(text);
    if (!at || *at <= now) {
        return fail(
            Errc::Invalid, "\"" + printable(text) + "\" is neither a span (90d) nor a time to come"
        );
    }
    return *at;
}

Result<account::AppPassword> draft(const Options& options) {
    account::AppPassword out;
    out.name = options.name;
    out.created = now();
    if (const Status sound = account::check_app_password_name(out.name); !sound) {
        return fail(sound.error());
    }
    for (const std::string& text : options.from) {
        const auto prefix = Prefix::parse(text);
        if (!prefix) {
            return fail(prefix.error());
        }
        out.from.push_back(*prefix);
    }
    if (!options.expires.empty()) {
        const auto expires = expiry(options.expires, out.created);
        if (!expires) {
            return fail(expires.error());
        }
        out.expires = *expires;
    }
    return out;
}

int add(const Context& context, const Options& options) {
    auto password = draft(options);
    if (!password) {
        return report(context, password.error());
    }
    return with_store(context, [&](store::Store& store) {
        const auto found = store.accounts().find(options.login);
        if (!found) {
            return report(context, found.error());
        }
        const std::string text = account::fresh_app_password(*found);
        auto credential = account::make_credential(
            text, account::HashOptions{}, account::app_password_setting(*found)
        );
        if (!credential) {
            return report(context, credential.error());
        }
        password->selector = account::selector_of(text);
        password->credential = std::move(*credential);
        if (const Status added = store.accounts().add_app_password(found->login, *password);
            !added) {
            return report(context, added.error());
        }
        record_change(store, found->login, "app password \"" + password->name + "\" made");
        static_cast<void>(store.journal().flush());
        Json out{{"login", found->login}};
        out.update(to_json(*password));
        out["password"] = text;
        print(
            context,
            out,
            found->login + ": app password \"" + password->name + "\"\npassword: " + text +
                "   (shown this once)"
        );
        return kDone;
    });
}

int list(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        const auto found = store.accounts().find(options.login);
        if (!found) {
            return report(context, found.error());
        }
        Json rows = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const account::AppPassword& one : found->app_passwords) {
            rows.push_back(to_json(one));
            cells.push_back(
                {one.name,
                 one.from.empty() ? "everywhere" : joined(one.from),
                 rfc3339(one.created),
                 day_or(one.expires, "never"),
                 day_or(one.last_used, "never"),
                 one.last_address}
            );
        }
        print(
            context,
            rows,
            cells.empty()
                ? found->login + " has no app passwords"
                : table({"NAME", "FROM", "CREATED", "EXPIRES", "LAST USED", "ADDRESS"}, cells)
        );
        return kDone;
    });
}

int revoke(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        const std::string login = to_lower(options.login);
        if (const Status done = store.accounts().remove_app_password(login, options.name); !done) {
            return report(context, done.error());
        }
        record_change(store, login, "app password \"" + options.name + "\" revoked");
        static_cast<void>(store.journal().flush());
        print(
            context,
            Json{{"login", login}, {"name", options.name}, {"revoked", true}},
            login + ": app password \"" + options.name + "\" revoked"
        );
        return kDone;
    });
}

}  // namespace

void add_app_password(CLI::App& account, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* top = account.add_subcommand(
        "app-password", "Passwords for single devices and programs: add, list, revoke"
    );
    top->require_subcommand(1);
    const auto with_login =
        [&](const char* name, const char* help, int (*work)(const Context&, const Options&)) {
            auto* command = top->add_subcommand(name, help);
            command->add_option("login", options->login, "The account's login")->required();
            command->callback([&context, &chosen, options, work] {
                chosen = [&context, options, work] { return work(context, *options); };
            });
            return command;
        };
    auto* adding = with_login("add", "Make one; it is shown once", add);
    adding->add_option("--name", options->name, "What it is for: \"phone\", \"printer\"")
        ->required();
    adding->add_option(
        "--from", options->from, "A prefix or address it may be used from (again for more)"
    );
    adding->add_option("--expires", options->expires, "When it ends: 90d, 12h, or a date");
    with_login("list", "Those of an account, and when each was used last", list);
    with_login("revoke", "End one at once", revoke)
        ->add_option("--name", options->name, "Which one")
        ->required();
}

}  // namespace sekisho::cli
