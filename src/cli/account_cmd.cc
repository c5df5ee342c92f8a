// sekisho account add|passwd|list|enable|disable|remove; import and app-password are in files of
// their own.
#include "account/account.h"
#include "account/password.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/password_input.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string login, name, line, reason, language;
    std::vector<std::string> addresses, domains;
    PasswordSource password;
};

void journal(store::Store& store, const std::string& login, const std::string& what) {
    record_change(store, login, what);
    static_cast<void>(store.journal().flush());
}

int told(
    const Context& context,
    const account::Account& a,
    const Password& password,
    const std::string& what
) {
    Json result = account_json(a);
    std::string text = a.login + ": " + what;
    if (password.generated) {
        result["password"] = password.text;
        text += "\npassword: " + password.text + "   (shown this once)";
    }
    print(context, result, text);
    return kDone;
}

int add(const Context& context, const Options& options) {
    account::Account draft;
    draft.login = options.login;
    draft.name = options.name;
    draft.line = options.line;
    draft.language = options.language;
    draft.addresses = options.addresses;
    draft.domains = options.domains;
    if (draft.addresses.empty() && draft.login.find('@') != std::string::npos) {
        draft.addresses.push_back(draft.login);
    }
    const auto checked = account::checked(std::move(draft));
    if (!checked) {
        return report(context, checked.error());
    }
    account::Account a = *checked;
    const auto password = read_password(options.password);
    if (!password) {
        return report(context, password.error());
    }
    auto credential = account::make_credential(password->text, account::HashOptions{});
    if (!credential) {
        return report(context, credential.error());
    }
    a.credential = *credential;
    a.created = a.changed = now();
    return with_store(context, [&](store::Store& store) {
        if (const Status added = store.accounts().add(a); !added) {
            return report(context, added.error());
        }
        journal(store, a.login, "created");
        return told(context, a, *password, "created");
    });
}

int passwd(const Context& context, const Options& options) {
    const auto password = read_password(options.password);
    if (!password) {
        return report(context, password.error());
    }
    return with_store(context, [&](store::Store& store) {
        auto found = store.accounts().find(to_lower(options.login));
        if (!found) {
            return report(context, found.error());
        }
        auto credential = account::make_credential(
            password->text, account::HashOptions{}, account::scram_setting_of(*found)
        );
        if (!credential) {
            return report(context, credential.error());
        }
        found->credential = *credential;
        found->changed = now();
        if (const Status updated = store.accounts().update(*found); !updated) {
            return report(context, updated.error());
        }
        journal(store, found->login, "password changed");
        return told(context, *found, *password, "password changed");
    });
}

int set_enabled(const Context& context, const Options& options, bool enabled) {
    return with_store(context, [&](store::Store& store) {
        auto found = store.accounts().find(to_lower(options.login));
        if (!found) {
            return report(context, found.error());
        }
        found->enabled = enabled;
        found->disabled_reason = enabled ? "" : options.reason;
        found->changed = now();
        if (const Status updated = store.accounts().update(*found); !updated) {
            return report(context, updated.error());
        }
        const std::string what =
            enabled ? "enabled"
                    : "disabled" + (options.reason.empty() ? "" : ": " + options.reason);
        journal(store, found->login, what);
        return told(context, *found, {}, what);
    });
}

int remove(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        const std::string login = to_lower(options.login);
        if (const Status removed = store.accounts().remove(login); !removed) {
            return report(context, removed.error());
        }
        journal(store, login, "removed");
        print(context, Json{{"login", login}, {"removed", true}}, login + ": removed");
        return kDone;
    });
}

int list(const Context& context) {
    return with_store(context, [&](store::Store& store) {
        const auto accounts = store.accounts().list();
        if (!accounts) {
            return report(context, accounts.error());
        }
        Json rows = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const account::Account& a : *accounts) {
            rows.push_back(account_json(a));
            std::string addresses;
            for (const std::string& one : a.addresses) {
                addresses += (addresses.empty() ? "" : ", ") + one;
            }
            for (const std::string& one : a.domains) {
                addresses += (addresses.empty() ? "@" : ", @") + one;
            }
            cells.push_back({a.login, a.enabled ? "enabled" : "disabled", addresses, a.line, a.name}
            );
        }
        print(
            context,
            rows,
            cells.empty() ? "there are no accounts; `sekisho account add LOGIN` makes one"
                          : table({"LOGIN", "STATE", "ADDRESSES", "LINE", "NAME"}, cells)
        );
        return kDone;
    });
}

}  // namespace

Json account_json(const account::Account& a) {
    Json out{
        {"login", a.login},
        {"name", a.name},
        {"addresses", a.addresses},
        {"domains", a.domains},
        {"language", a.language.empty() ? "both" : a.language},
        {"line", a.line},
        {"enabled", a.enabled}
    };
    if (!a.enabled) {
        out["disabled_reason"] = a.disabled_reason;
    }
    out["created"] = rfc3339(a.created);
    out["changed"] = rfc3339(a.changed);
    return out;
}

void add_account(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* top = app.add_subcommand(
        "account",
        "Mail accounts: add, set, show, passwd, list, enable, disable, suspend, resume, remove, "
        "import, app-password, delegate, forward, link, sendas, time-zone"
    );
    top->require_subcommand(1);
    const auto with_login =
        [&](const char* name, const char* help, int (*work)(const Context&, const Options&)) {
            auto* command = top->add_subcommand(name, help);
            command->add_option("login", options->login, "The login, usually the mail address")
                ->required();
            command->callback([&context, &chosen, options, work] {
                chosen = [&context, options, work] { return work(context, *options); };
            });
            return command;
        };
    auto* adding = with_login("add", "Create an account", add);
    adding->add_option(
        "--address",
        options->addresses,
        "An address it sends as and receives for (again for more), or @DOMAIN, see --domain; else "
        "the login"
    );
    adding->add_option(
        "--domain",
        options->domains,
        "A domain that it may send as any address of, and receives nothing by (again for more)"
    );
    adding->add_option("--language", options->language, "Of notices to its owner: ja, en or both")
        ->check(CLI::IsMember({"ja", "en", "both"}));
    adding->add_option("--name", options->name, "Name, for people");
    adding->add_option("--line", options->line, "The subscriber's line");
    add_password_options(*adding, options->password);
    add_password_options(*with_login("passwd", "Set a new password", passwd), options->password);
    with_login("enable", "Let it log in again", [](const Context& c, const Options& o) {
        return set_enabled(c, o, true);
    });
    with_login(
        "disable",
        "Refuse its logins; its mail is kept",
        [](const Context& c, const Options& o) { return set_enabled(c, o, false); }
    )->add_option("--reason", options->reason, "Why; for the support desk");
    with_login("remove", "Delete the account", remove);
    top->add_subcommand("list", "All accounts")->callback([&context, &chosen] {
        chosen = [&context] { return list(context); };
    });
    add_account_set(*top, context, chosen);
    add_account_delegate(*top, context, chosen);
    add_account_suspend(*top, context, chosen);
    add_account_import(*top, context, chosen);
    add_app_password(*top, context, chosen);
    add_account_send_as(*top, context, chosen);
    add_account_forward(*top, context, chosen);
    add_account_link(*top, context, chosen);
    add_account_time_zone(*top, context, chosen);
}

}  // namespace sekisho::cli
