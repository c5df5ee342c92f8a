// A role at run time: what is the same for gate, mail and desk. Loads the configuration, starts the
// role, serves its control socket, puts new configurations in force (SIGHUP, `sekisho reload`, a
// changed prefix file), stops it cleanly on SIGTERM or SIGINT.
#pragma once

#include "cli/context.h"
#include "config/config.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::store {
class Store;
}

namespace sekisho::cli {

class Role {
  public:
    virtual ~Role() = default;
    // Where it listens or what it guards, for the summary of `sekisho run`: lines of text.
    [[nodiscard]] virtual std::vector<std::string> summary() = 0;
    [[nodiscard]] virtual Json status() = 0;
    // Puts the configuration in force, or says why not and leaves the old one. The answer: notes
    // for the operator, such as keys that take effect at the next start only.
    [[nodiscard]] virtual Result<std::vector<std::string>> reload(const config::Config& config) = 0;
    // Commands of its own ("queue.list"); NotFound for one it doesn't know.
    [[nodiscard]] virtual Result<Json> command(const std::string& name, const Json& request) = 0;
    // Every second, on the main thread.
    virtual void tick() {}
    // Every hour, on the main thread: forgets what is older.
    virtual void tidy(const config::Retention& retention) = 0;
    virtual void stop() = 0;
};

// What tidy() does with the store.
void forget_old(store::Store& store, const config::Retention& retention);

using StartRole = std::function<Result<std::unique_ptr<Role>>(const config::Config&)>;

// Runs a role in the foreground until it is told to stop; the exit code.
int run_role(const Context& context, const std::string& name, const StartRole& start);

int run_gate(const Context& context);
int run_mail(const Context& context);
int run_desk(const Context& context);

// As root, with a user named: what root made for the roles (sockets, database, spool, certificate)
// becomes that user's, so that they work when they have changed to it.
Status hand_over(const config::Config& config);

// Gives up every right that is not needed once ports are bound: changes to config.user where one is
// named, drops all capabilities.
Status drop_rights(const config::Config& config);

}  // namespace sekisho::cli
