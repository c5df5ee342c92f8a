// sekisho account delegate add|remove|list: who may send as the addresses of another account.
#include "account/account.h"
#include "account/send_as.h"
#include "account/validate.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "store/store.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string owner, delegate;
};

// The owner's addresses must be known here; the delegate may be of another system.
Status check(store::Store& store, const config::Config& config, const account::Delegation& one) {
    if (one.owner == one.delegate) {
        return fail(Errc::Invalid, one.owner + " sends as its own addresses anyway");
    }
    const auto owner = store.accounts().find(one.owner);
    if (!owner) {
        return fail(owner.error());
    }
    const auto delegate = store.accounts().find(one.delegate);
    if (delegate || (delegate.error().code == Errc::NotFound && !config.account_sources.empty())) {
        return account::check_login(one.delegate);
    }
    return fail(delegate.error());
}

int add(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    return with_store(context, [&](store::Store& store) {
        const account::Delegation one{
            account::normalised(options.owner), account::normalised(options.delegate), now()
        };
        if (const Status sound = check(store, *config, one); !sound) {
            return report(context, sound.error());
        }
        if (const Status added = store.send_as().add_delegation(one); !added) {
            return report(context, added.error());
        }
        record_change(
            store, one.owner, "delegate " + one.delegate + ": allowed, by " + operator_name()
        );
        record_change(
            store, one.delegate, "may send as " + one.owner + ": allowed, by " + operator_name()
        );
        print(
            context,
            Json{{"owner", one.owner}, {"delegate", one.delegate}, {"since", rfc3339(one.since)}},
            one.delegate + " may send as " + one.owner
        );
        return kDone;
    });
}

int remove(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        const account::Delegation one{
            account::normalised(options.owner), account::normalised(options.delegate), {}
        };
        if (const Status removed = store.send_as().remove_delegation(one); !removed) {
            return report(context, removed.error());
        }
        record_change(
            store, one.owner, "delegate " + one.delegate + ": removed, by " + operator_name()
        );
        record_change(
            store, one.delegate, "may send as " + one.owner + ": removed, by " + operator_name()
        );
        print(
            context,
            Json{{"owner", one.owner}, {"delegate", one.delegate}, {"removed", true}},
            one.delegate + " may no longer send as " + one.owner
        );
        return kDone;
    });
}

int list(const Context& context, const Options& options) {
    return with_store(context, [&](store::Store& store) {
        const auto all = store.send_as().delegations(options.owner);
        if (!all) {
            return report(context, all.error());
        }
        Json rows = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const account::Delegation& one : *all) {
            rows.push_back(
                {{"owner", one.owner}, {"delegate", one.delegate}, {"since", rfc3339(one.since)}}
            );
            cells.push_back({one.owner, one.delegate, rfc3339(one.since)});
        }
        print(
            context,
            rows,
            cells.empty() ? options.owner + " has no delegates and is nobody's"
                          : table({"OWNER", "DELEGATE", "SINCE"}, cells)
        );
        return kDone;
    });
}

}  // namespace

void add_account_delegate(CLI::App& account, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* top = account.add_subcommand(
        "delegate", "Who may send as the addresses of another account: add, remove, list"
    );
    top->require_subcommand(1);
    const auto with_pair =
        [&](const char* name, const char* help, int (*work)(const Context&, const Options&)) {
            auto* command = top->add_subcommand(name, help);
            command->add_option("owner", options->owner, "Whose addresses they are")->required();
            command->add_option("delegate", options->delegate, "The login that may send as them")
                ->required();
            command->callback([&context, &chosen, options, work] {
                chosen = [&context, options, work] { return work(context, *options); };
            });
        };
    with_pair("add", "Let one send as the other; ends when either account is removed", add);
    with_pair("remove", "No longer", remove);
    auto* listing = top->add_subcommand("list", "The delegates of an account, and whose it is");
    listing->add_option("login", options->owner, "The account's login")->required();
    listing->callback([&context, &chosen, options] {
        chosen = [&context, options] { return list(context, *options); };
    });
}

}  // namespace sekisho::cli
