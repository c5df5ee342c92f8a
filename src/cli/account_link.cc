// sekisho account link LOGIN: lets somebody into their own page without the password.
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "desk/my.h"
#include "session/session.h"
#include "store/store.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace sekisho::cli {
namespace {

int make(const Context& context, const std::string& login) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    const Time at = now();
    const auto link = desk::make_link(
        *config,
        (*store)->accounts(),
        (*store)->sessions(),
        (*store)->journal(),
        login,
        operator_name(),
        at
    );
    if (!link) {
        return report(context, link.error());
    }
    if (const Status recorded = (*store)->journal().flush(); !recorded) {
        return report(context, recorded.error());
    }
    const std::string until = rfc3339(at + session::kLinkLife);
    print(
        context,
        Json{{"login", login}, {"link", *link}, {"expires", until}},
        *link + "\nIt opens the page of " + login + " once, until " + until +
            ". Give it to nobody but its owner: who has it can set a new password."
    );
    return kDone;
}

}  // namespace

void add_account_link(CLI::App& account, Context& context, Chosen& chosen) {
    auto login = std::make_shared<std::string>();
    auto* command = account.add_subcommand(
        "link", "A link that opens the subscriber's own page once, for who has lost the password"
    );
    command->add_option("login", *login, "The account's login")->required();
    command->callback([&context, &chosen, login] {
        chosen = [&context, login] { return make(context, *login); };
    });
}

}  // namespace sekisho::cli
