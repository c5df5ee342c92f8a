// Accounts wherever they live: in our store, or in another system that a source speaks to.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "config/config.h"
#include "store/store.h"

#include <functional>
#include <optional>
#include <string>

namespace sekisho::cli {

// What is known of an account that lives in another system: what its source said when it logged in
// or got mail, since the last start. May be empty.
using Elsewhere = std::function<std::optional<account::Account>(const std::string& login)>;

// With sources, a login of which nothing is known may be one of theirs: then it has a name alone.
[[nodiscard]] inline Result<account::Account> account_anywhere(
    store::Store& store,
    const config::Config& config,
    const Elsewhere& elsewhere,
    const std::string& login
) {
    auto found = store.accounts().find(login);
    if (found || found.error().code != Errc::NotFound || config.account_sources.empty()) {
        return found;
    }
    if (elsewhere) {
        if (auto known = elsewhere(login)) {
            return std::move(*known);
        }
    }
    account::Account out;
    out.login = login;
    return out;
}

}  // namespace sekisho::cli
