// Carries out what the warden decides: keeps its states, records each step, holds and releases
// mail, ends sessions, tells the subscriber and the abuse desk; and brings it what other roles have
// recorded (blocked flows, bounces, complaints, new passwords). For one thread at a time.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "conduct/warden.h"
#include "config/config.h"
#include "mail/server.h"
#include "queue/spool.h"
#include "store/store.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::cli {

class ConductKeeper {
  public:
    struct Deps {
        store::Store& store;
        queue::Spool& spool;
        conduct::Warden& warden;
        std::function<void(const std::string& account)> end_sessions;
    };
    explicit ConductKeeper(Deps deps) : deps_(deps) {}

    void follow(const config::Config& config);
    // What was kept. To be called once, before sessions begin.
    Status restore();
    // About once a second.
    void tick(Time now);

    // conduct-list, conduct-show, conduct-suspend, conduct-undo, conduct-exempt, conduct-notice
    // (the owner is told of the stage once more).
    [[nodiscard]] Result<Json> command(const std::string& name, const Json& request);
    // Accounts by stage, for status and metrics.
    [[nodiscard]] Json status() const;

  private:
    void look_at_journal(Time now);
    [[nodiscard]] bool told_lately(const std::string& line, Time now);
    void carry_out();
    void carry_out(const conduct::Happened& what);
    void keep();
    void hold_queue(const std::string& account, const std::string& reason);
    void release_queue(const std::string& account);
    void tell(const conduct::Happened& what, bool subscriber);
    Result<Json> order(const std::string& name, const std::string& account, const Json& request);

    Deps deps_;
    config::Config config_;
    std::map<std::string, Time> blocked_;  // lines: when one was told last
    std::int64_t last_event_ = -1;         // -1: not known yet
    bool kept_ = true;
    std::vector<conduct::Record> unkept_;
};

[[nodiscard]] conduct::Rules rules_of(const config::Conduct& config);

}  // namespace sekisho::cli
