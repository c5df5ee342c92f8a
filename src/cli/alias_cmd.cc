// sekisho alias add|list|remove, sekisho account forward set|list|remove, sekisho srs show.
#include "account/account.h"
#include "account/forwarding.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "mail/forwarding.h"
#include "smtp/address.h"
#include "srs/srs.h"
#include "store/store.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string who;
    std::vector<std::string> targets;
    bool no_copy = false;
};

std::string joined(const std::vector<std::string>& all) {
    std::string out;
    for (const std::string& one : all) {
        out += (out.empty() ? "" : ", ") + one;
    }
    return out;
}

// Only mail for these comes here.
Status check_ours(const config::Config& config, std::string_view address) {
    const std::string domain(address.substr(address.rfind('@') + 1));
    const auto& ours = config.mail.domains;
    if (std::ranges::none_of(ours, [&](const auto& one) { return iequals(one, domain); })) {
        return fail(Errc::Invalid, domain + " is not one of mail.domains (" + joined(ours) + ")");
    }
    return {};
}

// Runs `work` with configuration and store.
template <class Work>
int with_both(const Context& context, Work work) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    return with_store(context, [&](store::Store& store) { return work(*config, store); });
}

int add_one(const Context& context, const Options& options) {
    return with_both(context, [&](const config::Config& config, store::Store& store) {
        auto alias = account::checked(account::Alias{options.who, options.targets, now()});
        if (!alias) {
            return report(context, alias.error());
        }
        if (const Status ours = check_ours(config, alias->address); !ours) {
            return report(context, ours.error());
        }
        const auto account = store.accounts().find_by_address(alias->address);
        if (account) {
            return report(
                context,
                {Errc::Conflict,
                 alias->address + " is an address of the account " + account->login +
                     "; use `sekisho account forward set`"}
            );
        }
        if (const Status kept = store.forwards().set_alias(*alias); !kept) {
            return report(context, kept.error());
        }
        const std::string what = alias->address + " leads to " + joined(alias->targets);
        record_change(store, "", "alias " + what);
        print(context, Json{{"address", alias->address}, {"targets", alias->targets}}, what);
        return kDone;
    });
}

int remove_one(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        const std::string address = account::normalised(options.who);
        if (const Status removed = store.forwards().remove_alias(address); !removed) {
            return report(context, removed.error());
        }
        record_change(store, "", "alias " + address + " removed");
        print(context, Json{{"address", address}, {"removed", true}}, address + ": removed");
        return kDone;
    });
}

int list_aliases(const Context& context) {
    return with_store(context, [&](store::Store& store) {
        const auto all = store.forwards().aliases();
        if (!all) {
            return report(context, all.error());
        }
        Json rows = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const account::Alias& one : *all) {
            rows.push_back(
                {{"address", one.address},
                 {"targets", one.targets},
                 {"changed", rfc3339(one.changed)}}
            );
            cells.push_back({one.address, joined(one.targets), rfc3339(one.changed)});
        }
        print(
            context,
            rows,
            cells.empty() ? "there are no aliases; `sekisho alias add ADDRESS TARGET...` makes one"
                          : table({"ADDRESS", "LEADS TO", "CHANGED"}, cells)
        );
        return kDone;
    });
}

int set_forward(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        auto forward =
            account::checked(account::Forward{options.who, options.targets, !options.no_copy, now()}
            );
        if (!forward) {
            return report(context, forward.error());
        }
        const auto account = store.accounts().find(forward->login);
        if (!account) {
            return report(context, account.error());
        }
        for (const std::string& target : forward->targets) {
            if (std::ranges::find(account->addresses, target) != account->addresses.end()) {
                return report(
                    context, {Errc::Invalid, target + " is an address of this account itself"}
                );
            }
        }
        if (const Status kept = store.forwards().set_forward(*forward); !kept) {
            return report(context, kept.error());
        }
        const std::string what = "forwards to " + joined(forward->targets) +
                                 (forward->keep ? ", and keeps a copy" : ", and keeps nothing");
        record_change(store, forward->login, what);
        print(
            context,
            Json{{"login", forward->login}, {"targets", forward->targets}, {"keep", forward->keep}},
            forward->login + " " + what
        );
        return kDone;
    });
}

int remove_forward(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        const std::string login = account::normalised(options.who);
        if (const Status removed = store.forwards().remove_forward(login); !removed) {
            return report(context, removed.error());
        }
        record_change(store, login, "forwards nothing any more");
        print(
            context, Json{{"login", login}, {"removed", true}}, login + " forwards nothing any more"
        );
        return kDone;
    });
}

int list_forwards(const Context& context) {
    return with_store(context, [&](store::Store& store) {
        const auto all = store.forwards().forwards();
        if (!all) {
            return report(context, all.error());
        }
        Json rows = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const account::Forward& one : *all) {
            rows.push_back(
                {{"login", one.login},
                 {"targets", one.targets},
                 {"keep", one.keep},
                 {"changed", rfc3339(one.changed)}}
            );
            cells.push_back({one.login, joined(one.targets), one.keep ? "yes" : "no"});
        }
        print(
            context,
            rows,
            cells.empty() ? "nobody forwards" : table({"LOGIN", "FORWARDS TO", "COPY"}, cells)
        );
        return kDone;
    });
}

// For support: whose mail came back under that name?
int show_srs(const Context& context, const Options& options) {
    return with_both(context, [&](const config::Config& config, store::Store& store) {
        const auto own = store.setting("srs_secret");
        if (!own) {
            return report(context, own.error());
        }
        const srs::Secrets secrets = mail::srs_secrets(config.forwarding, own->value_or(""));
        const std::string local = options.who.substr(0, options.who.rfind('@'));
        const auto original =
            secrets.empty()
                ? Result<srs::Original>(fail(Errc::NotFound, "nothing was forwarded from here yet"))
                : srs::restore(local, secrets, now());
        if (!original) {
            return report(context, original.error());
        }
        const std::string text = smtp::Address{original->local, original->domain}.text();
        print(context, Json{{"address", options.who}, {"original", text}}, text);
        return kDone;
    });
}

}  // namespace

void add_alias(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* top = app.add_subcommand("alias", "Addresses that lead to others, and catch-all");
    top->require_subcommand(1);
    auto* add =
        top->add_subcommand("add", "Let an address lead to others, or to others than before");
    add->add_option("address", options->who, "The address; @DOMAIN for all that nobody has")
        ->required();
    add->add_option("targets", options->targets, "Where its mail goes")->required();
    add->callback([&context, &chosen, options] {
        chosen = [&context, options] { return add_one(context, *options); };
    });
    top->add_subcommand("list", "Every alias")->callback([&context, &chosen] {
        chosen = [&context] { return list_aliases(context); };
    });
    add_alias_import(*top, context, chosen);
    auto* remove = top->add_subcommand("remove", "Its mail is refused from now on");
    remove->add_option("address", options->who, "The address")->required();
    remove->callback([&context, &chosen, options] {
        chosen = [&context, options] { return remove_one(context, *options); };
    });
}

void add_srs(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* top = app.add_subcommand("srs", "Senders of forwarded mail");
    top->require_subcommand(1);
    auto* show = top->add_subcommand("show", "The sender behind an SRS address of ours");
    show->add_option("address", options->who, "SRS0=...@DOMAIN")->required();
    show->callback([&context, &chosen, options] {
        chosen = [&context, options] { return show_srs(context, *options); };
    });
}

void add_account_forward(CLI::App& account, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* top = account.add_subcommand("forward", "Let an account's mail go on to other addresses");
    top->require_subcommand(1);
    auto* set = top->add_subcommand("set", "Where it goes, instead of where it went");
    set->add_option("login", options->who, "The account")->required();
    set->add_option("targets", options->targets, "Where its mail goes")->required();
    set->add_flag("--no-copy", options->no_copy, "Keep nothing in its own mailbox");
    set->callback([&context, &chosen, options] {
        chosen = [&context, options] { return set_forward(context, *options); };
    });
    top->add_subcommand("list", "Who forwards")->callback([&context, &chosen] {
        chosen = [&context] { return list_forwards(context); };
    });
    auto* remove = top->add_subcommand("remove", "All its mail stays here again");
    remove->add_option("login", options->who, "The account")->required();
    remove->callback([&context, &chosen, options] {
        chosen = [&context, options] { return remove_forward(context, *options); };
    });
}

}  // namespace sekisho::cli
