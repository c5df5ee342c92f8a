// Which mailbox here an address has, for deliveries into Maildir: the login of its account, of ours
// or of a source.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "base/time.h"
#include "net/server.h"
#include "source/source.h"

#include <memory>
#include <string>

namespace sekisho::cli {

struct MailboxDeps {
    account::AccountStore& accounts;
    std::shared_ptr<source::Sources> sources;  // null: there are none
    net::Executor executor;
    Duration longest;  // that a source may take
};
// NotFound: nobody has it. May wait for a source: for a worker, never on a loop's thread.
[[nodiscard]] Result<std::string> find_mailbox(const MailboxDeps& deps, const std::string& address);

}  // namespace sekisho::cli
