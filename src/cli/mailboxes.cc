#include "cli/mailboxes.h"

#include "account/account.h"
#include "account/validate.h"
#include "base/result.h"
#include "net/task.h"
#include "net/wait.h"
#include "source/source.h"

#include <future>
#include <memory>
#include <string>
#include <utility>

namespace sekisho::cli {
namespace {

using Found = Result<account::Account>;

// The loop may have been stopped meanwhile: then nobody answers, and the mail waits.
Found find_elsewhere(const MailboxDeps& deps, const std::string& address) {
    auto promise = std::make_shared<std::promise<Found>>();
    auto future = promise->get_future();
    net::Task<Found> look = source::Sources::find(deps.sources, deps.executor, address);
    net::spawn(deps.executor, net::deliver(std::move(look), promise), "mailbox");
    if (future.wait_for(deps.longest) != std::future_status::ready) {
        return fail(Errc::Timeout, "the sources of accounts don't say who has " + address);
    }
    return future.get();
}

}  // namespace

Result<std::string> find_mailbox(const MailboxDeps& deps, const std::string& address) {
    auto account = deps.accounts.find_by_address(address);
    if (!account && account.error().code == Errc::NotFound && deps.sources != nullptr &&
        deps.sources->finds()) {
        account = find_elsewhere(deps, account::normalised(address));
    }
    if (!account) {
        return fail(account.error());
    }
    return account->login;
}

}  // namespace sekisho::cli
