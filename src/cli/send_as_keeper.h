// The mail role's side of `sekisho account sendas` and of the guide's page: registers addresses
// elsewhere, looks up what will become of mail sent as them, mails the code that proves them.
// May be used by several threads; one order at a time.
#pragma once

#include "account/account.h"
#include "account/send_as.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "cli/elsewhere.h"
#include "config/config.h"
#include "mail/alignment.h"
#include "mail/outlooks.h"
#include "net/resolver.h"
#include "net/task.h"
#include "queue/spool.h"
#include "store/store.h"

#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace sekisho::cli {

class SendAsKeeper {
  public:
    struct Deps {
        store::Store& store;
        queue::Spool& spool;
        mail::Outlooks& outlooks;
        net::Resolver& resolver;
        net::Executor executor;
        Elsewhere elsewhere = {};
    };
    SendAsKeeper(Deps deps, const config::Config& config);

    void follow(const config::Config& config);
    // sendas-add {login, address, by, vouched?}, sendas-list {login}, sendas-remove {login,
    // address, by}, sendas-prove {login, address, code} or {code}, sendas-claim {code}. May wait
    // for the DNS: at most about twice mail.lookup_timeout.
    [[nodiscard]] Result<Json> command(const std::string& name, const Json& request);

  private:
    Result<Json> add(const Json& request);
    Result<Json> list(const std::string& login);
    Result<Json> remove(const Json& request);
    Result<Json> prove(const Json& request);
    Result<Json> claim(const std::string& code);
    [[nodiscard]] Result<account::Account> knows(const std::string& login);
    [[nodiscard]] Result<std::string> checked_address(
        const std::string& login, const std::string& address
    );
    [[nodiscard]] mail::Alignment look(const std::string& domain);
    Status mail_code(
        const account::SendAs& one, const std::string& code, const std::string& language, Time at
    );
    void record(const account::SendAs& one, const std::string& what);

    Deps deps_;
    std::mutex mutex_;
    config::Config config_;
};

}  // namespace sekisho::cli
