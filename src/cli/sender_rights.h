// Everything that an account may send as, for `account show`, the desk and the subscriber's page.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "cli/context.h"
#include "store/store.h"

namespace sekisho::cli {

// {"addresses": [...], "domains": [...], "aliases": [...], "elsewhere": [...] (proven ones),
// "delegated": [{"address": "...", "owner": "..."}], "delegates": [logins that may send as it]}
[[nodiscard]] Result<Json> sender_rights(store::Store& store, const account::Account& account);

}  // namespace sekisho::cli
