// sekisho operator add|list|role|password|totp|enable|disable, and token add|list|revoke.
#include "account/password.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/audit_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/password_input.h"
#include "staff/roles.h"
#include "staff/staff.h"
#include "staff/totp.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string name, roles, label, lasts;
    PasswordSource password;
};

constexpr int kTokenBits = 200;

Json to_json(const staff::Operator& one) {
    return Json{
        {"name", one.name},
        {"roles", one.roles.names()},
        {"enabled", one.enabled},
        {"recovery_codes", one.recovery.size()},
        {"created", rfc3339(one.created)},
        {"changed", rfc3339(one.changed)}
    };
}

// A key for the program on the telephone, and codes for when it is lost.
struct Factors {
    std::string key;
    std::vector<std::string> codes;
};

Factors make_factors(staff::Operator& one) {
    Factors out{random_bytes(staff::kTotpKeySize), {}};
    one.totp_key = out.key;
    one.totp_last_step = 0;
    one.recovery.clear();
    for (std::size_t i = 0; i < staff::kRecoveryCodes; ++i) {
        out.codes.push_back(account::generate_password());
        one.recovery.push_back(sha256(out.codes.back()));
    }
    return out;
}

void add_factors(
    Json& result,
    std::string& text,
    const std::string& issuer,
    const std::string& name,
    const Factors& factors
) {
    result["totp_secret"] = staff::base32(factors.key);
    result["totp_uri"] = staff::otpauth_uri(issuer, name, factors.key);
    result["recovery"] = factors.codes;
    text += "\ncode key: " + result["totp_secret"].get<std::string>() +
            "   (for the program on the telephone; shown this once)\n" +
            result["totp_uri"].get<std::string>() + "\nrecovery codes, each opens once:";
    for (const std::string& code : factors.codes) {
        text += "\n  " + code;
    }
}

std::string issuer_of(const Context& context) {
    const auto config = load_config(context);
    return config ? config->provider.name + " desk" : "Sekisho";
}

// Reads one, changes it, keeps it and notes that.
int change(
    const Context& context,
    const Options& options,
    const char* action,
    const std::function<Status(staff::Operator&, Json&, std::string&)>& work
) {
    return with_store(context, [&](store::Store& store) {
        auto found = store.staff().find(options.name);
        if (!found) {
            return report(context, found.error());
        }
        Json extra = Json::object();
        std::string text;
        if (const Status done = work(*found, extra, text); !done) {
            return report(context, done.error());
        }
        found->changed = now();
        // Noted first: there is no change that isn't.
        if (const Status noted = note_command(store, action, options.name, found->roles.text());
            !noted) {
            return report(context, noted.error());
        }
        if (const Status kept = store.staff().update(*found); !kept) {
            return report(context, kept.error());
        }
        Json result = to_json(*found);
        result.update(extra);
        print(context, result, found->name + ": " + text);
        return kDone;
    });
}

int add(const Context& context, const Options& options) {
    const auto roles = staff::Roles::parse(options.roles);
    if (!roles) {
        return report(context, roles.error());
    }
    if (const Status sound = staff::check_name(options.name); !sound) {
        return report(context, sound.error());
    }
    const auto password = read_password(options.password);
    if (!password) {
        return report(context, password.error());
    }
    const auto credential = account::make_credential(password->text, account::HashOptions{});
    if (!credential) {
        return report(context, credential.error());
    }
    staff::Operator one;
    one.name = options.name;
    one.roles = *roles;
    one.password_hash = credential->hash;
    one.created = one.changed = now();
    const Factors factors = make_factors(one);
    return with_store(context, [&](store::Store& store) {
        if (const Status added = store.staff().add(one); !added) {
            return report(context, added.error());
        }
        if (const Status noted = note_command(store, "addOperator", one.name, roles->text());
            !noted) {
            return report(context, noted.error());
        }
        Json result = to_json(one);
        std::string text = one.name + ": added, with " + one.roles.text();
        if (password->generated) {
            result["password"] = password->text;
            text += "\npassword: " + password->text + "   (shown this once)";
        }
        add_factors(result, text, issuer_of(context), one.name, factors);
        print(context, result, text);
        return kDone;
    });
}

int list(const Context& context) {
    return with_store(context, [&](store::Store& store) {
        const auto all = store.staff().list();
        if (!all) {
            return report(context, all.error());
        }
        Json rows = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const staff::Operator& one : *all) {
            rows.push_back(to_json(one));
            cells.push_back(
                {one.name,
                 one.enabled ? "enabled" : "disabled",
                 one.roles.text(),
                 std::to_string(one.recovery.size()),
                 rfc3339(one.changed)}
            );
        }
        print(
            context,
            rows,
            cells.empty() ? "there are no operators; `sekisho operator add NAME --role support` "
                            "makes one"
                          : table({"NAME", "STATE", "ROLES", "RECOVERY CODES", "CHANGED"}, cells)
        );
        return kDone;
    });
}

int set_roles(const Context& context, const Options& options) {
    const auto roles = staff::Roles::parse(options.roles);
    if (!roles) {
        return report(context, roles.error());
    }
    return change(
        context,
        options,
        "setRoles",
        [&](staff::Operator& one, Json&, std::string& text) {
            one.roles = *roles;
            text = "has " + one.roles.text() + "; sessions have ended";
            return Status{};
        }
    );
}

int set_password(const Context& context, const Options& options) {
    const auto password = read_password(options.password);
    if (!password) {
        return report(context, password.error());
    }
    return change(
        context,
        options,
        "setPassword",
        [&](staff::Operator& one, Json& extra, std::string& text) -> Status {
            const auto credential =
                account::make_credential(password->text, account::HashOptions{});
            if (!credential) {
                return fail(credential.error());
            }
            one.password_hash = credential->hash;
            text = "password changed; sessions have ended";
            if (password->generated) {
                extra["password"] = password->text;
                text += "\npassword: " + password->text + "   (shown this once)";
            }
            return {};
        }
    );
}

int set_totp(const Context& context, const Options& options) {
    const std::string issuer = issuer_of(context);
    return change(
        context,
        options,
        "setTotp",
        [&](staff::Operator& one, Json& extra, std::string& text) {
            text = "a new key and new recovery codes; the old ones open nothing";
            add_factors(extra, text, issuer, one.name, make_factors(one));
            return Status{};
        }
    );
}

int set_enabled(const Context& context, const Options& options, bool enabled) {
    return change(
        context,
        options,
        enabled ? "enableOperator" : "disableOperator",
        [&](staff::Operator& one, Json&, std::string& text) {
            one.enabled = enabled;
            text = enabled ? "enabled" : "disabled: sessions have ended, tokens open nothing";
            return Status{};
        }
    );
}

int add_token(const Context& context, const Options& options) {
    staff::Token token;
    token.name = options.name;
    token.label = options.label;
    token.created = now();
    if (token.label.empty() || token.label.size() > 40 || printable(token.label) != token.label) {
        return report(context, Error{Errc::Invalid, "--label is one line of 1 to 40 bytes"});
    }
    if (!options.lasts.empty()) {
        const auto span = parse_duration(options.lasts);
        if (!span || span->count() <= 0) {
            return report(context, Error{Errc::Invalid, "--for is a duration, such as 90d"});
        }
        token.expires = token.created + *span;
    }
    const std::string secret = "sekisho_" + random_token(kTokenBits);
    token.digest = sha256(secret);
    return with_store(context, [&](store::Store& store) {
        if (const Status added = store.staff().add_token(token); !added) {
            return report(context, added.error());
        }
        if (const Status noted =
                note_command(store, "addToken", token.name, "label=" + token.label);
            !noted) {
            return report(context, noted.error());
        }
        print(
            context,
            Json{
                {"name", token.name},
                {"label", token.label},
                {"token", secret},
                {"expires", token.expires == Time{} ? "" : rfc3339(token.expires)}
            },
            "token: " + secret + "   (shown this once)"
        );
        return kDone;
    });
}

int list_tokens(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        if (const auto known = store.staff().find(options.name); !known) {
            return report(context, known.error());
        }
        const auto all = store.staff().tokens(options.name);
        if (!all) {
            return report(context, all.error());
        }
        const auto shown = [](Time at) { return at == Time{} ? std::string() : rfc3339(at); };
        Json rows = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const staff::Token& one : *all) {
            rows.push_back(
                {{"label", one.label},
                 {"created", shown(one.created)},
                 {"expires", shown(one.expires)},
                 {"last_used", shown(one.last_used)}}
            );
            cells.push_back(
                {one.label,
                 shown(one.created),
                 one.expires == Time{} ? "never" : shown(one.expires),
                 one.last_used == Time{} ? "never" : shown(one.last_used)}
            );
        }
        print(
            context,
            rows,
            cells.empty() ? options.name + " has no tokens"
                          : table({"LABEL", "CREATED", "EXPIRES", "LAST USED"}, cells)
        );
        return kDone;
    });
}

int revoke_token(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        if (const Status gone = store.staff().remove_token(options.name, options.label); !gone) {
            return report(context, gone.error());
        }
        if (const Status noted =
                note_command(store, "revokeToken", options.name, "label=" + options.label);
            !noted) {
            return report(context, noted.error());
        }
        print(
            context,
            Json{{"name", options.name}, {"label", options.label}, {"revoked", true}},
            options.name + ": the token \"" + options.label + "\" opens nothing any more"
        );
        return kDone;
    });
}

}  // namespace

void add_operator(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* top = app.add_subcommand(
        "operator",
        "Who may work at the desk: add, list, role, password, totp, enable, disable, token"
    );
    top->require_subcommand(1);
    const auto named = [&](CLI::App* parent,
                           const char* name,
                           const char* help,
                           int (*work)(const Context&, const Options&)) {
        auto* command = parent->add_subcommand(name, help);
        command->add_option("name", options->name, "The operator's name")->required();
        command->callback([&context, &chosen, options, work] {
            chosen = [&context, options, work] { return work(context, *options); };
        });
        return command;
    };
    const auto with_roles = [&](CLI::App* command) {
        command
            ->add_option(
                "--role", options->roles, "support, abuse, operator, auditor; several with commas"
            )
            ->required();
        return command;
    };
    add_password_options(
        *with_roles(named(top, "add", "A new operator, with password and one-time codes", add)),
        options->password
    );
    with_roles(named(top, "role", "Give other roles", set_roles));
    add_password_options(
        *named(top, "password", "Set a new password", set_password), options->password
    );
    named(top, "totp", "A new key for one-time codes, and new recovery codes", set_totp);
    named(top, "enable", "Let the operator in again", [](const Context& c, const Options& o) {
        return set_enabled(c, o, true);
    });
    named(top, "disable", "Let the operator in no more", [](const Context& c, const Options& o) {
        return set_enabled(c, o, false);
    });
    top->add_subcommand("list", "All operators")->callback([&context, &chosen] {
        chosen = [&context] { return list(context); };
    });
    auto* token = top->add_subcommand("token", "Tokens for the API: add, list, revoke");
    token->require_subcommand(1);
    auto* adding = named(token, "add", "A new token, with the roles of the operator", add_token);
    adding->add_option("--label", options->label, "What it is for")->required();
    adding->add_option(
        "--for", options->lasts, "How long it opens (90d); else until it is revoked"
    );
    named(token, "list", "The operator's tokens", list_tokens);
    named(token, "revoke", "Let it open nothing any more", revoke_token)
        ->add_option("--label", options->label, "Which one")
        ->required();
}

}  // namespace sekisho::cli
