#include "cli/sender_rights.h"

#include "account/account.h"
#include "account/forwarding.h"
#include "account/send_as.h"
#include "base/result.h"
#include "cli/context.h"
#include "store/store.h"

#include <string>
#include <string_view>
#include <utility>

namespace sekisho::cli {
namespace {

// As mail/shared.cc has it: an owner who may not send lends nothing.
Status add_delegations(store::Store& store, const std::string& login, Json& out) {
    const auto all = store.send_as().delegations(login);
    if (!all) {
        return fail(all.error());
    }
    Json delegated = Json::array();
    Json delegates = Json::array();
    for (const account::Delegation& one : *all) {
        if (one.owner == login) {
            delegates.push_back(one.delegate);
            continue;
        }
        const auto owner = store.accounts().find(one.owner);
        if (!owner || !owner->enabled) {
            continue;
        }
        for (const std::string& address : owner->addresses) {
            delegated.push_back({{"address", address}, {"owner", one.owner}});
        }
        for (const std::string& domain : owner->domains) {
            delegated.push_back({{"address", "@" + domain}, {"owner", one.owner}});
        }
    }
    out["delegated"] = std::move(delegated);
    out["delegates"] = std::move(delegates);
    return {};
}

}  // namespace

Result<Json> sender_rights(store::Store& store, const account::Account& account) {
    const auto aliases = account::aliases_of(account.addresses, [&store](std::string_view target) {
        return store.forwards().aliases_to(target);
    });
    if (!aliases) {
        return fail(aliases.error());
    }
    const auto proven = store.send_as().of(account.login);
    if (!proven) {
        return fail(proven.error());
    }
    Json elsewhere = Json::array();
    for (const account::SendAs& one : *proven) {
        if (account::is_proven(one)) {
            elsewhere.push_back(one.address);
        }
    }
    Json out{
        {"addresses", account.addresses},
        {"domains", account.domains},
        {"aliases", *aliases},
        {"elsewhere", std::move(elsewhere)}
    };
    if (const Status added = add_delegations(store, account.login, out); !added) {
        return fail(added.error());
    }
    return out;
}

}  // namespace sekisho::cli
