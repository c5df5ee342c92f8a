// What the subcommands of `sekisho account` share.
#pragma once

#include "account/account.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"
#include "store/store.h"

#include <string>
#include <utility>

namespace sekisho::cli {

// Runs `work` with the store of the installation.
template <class Work>
int with_store(const Context& context, Work work) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    return work(**store);
}

// As `account list` has it; "disabled_reason" only of one that is disabled.
[[nodiscard]] Json account_json(const account::Account& account);

// Records what was done to an account, so that support sees it; written by flush().
inline void record_change(store::Store& store, const std::string& login, const std::string& what) {
    event::Event e;
    e.at = now();
    e.kind = event::Kind::AccountChanged;
    e.account = login;
    e.detail = what;
    store.journal().append(std::move(e));
}

}  // namespace sekisho::cli
