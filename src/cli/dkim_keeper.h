// Keeps the signer of the mail role in step with keys, configuration and DNS: makes missing keys,
// looks for their records in the DNS, lets them sign, follows what `sekisho dkim` changes.
#pragma once

#include "config/config.h"
#include "dkim/sign.h"
#include "net/resolver.h"
#include "net/server.h"

#include <memory>

namespace sekisho::cli {

class DkimKeeper {
  public:
    struct Deps {
        net::Loops& loops;
        net::Workers& workers;
        net::Resolver& resolver;     // one that gives up soon
        dkim::SignerHolder& signer;  // what messages are signed with
    };
    // Files are read and written, and keys made, on workers; the rest happens on a loop.
    DkimKeeper(const config::Config& config, Deps deps);
    DkimKeeper(const DkimKeeper&) = delete;
    DkimKeeper& operator=(const DkimKeeper&) = delete;
    ~DkimKeeper();

    // Puts the keys there are in force, then begins; before the loops run.
    void start();
    void follow(const config::Config& config);
    void stop();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace sekisho::cli
