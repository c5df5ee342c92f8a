// Carries out what the warden decides: keeps its states, records each step, holds and releases
// mail, ends sessions, tells the subscriber and the abuse desk; and brings it what other roles have
// recorded (blocked flows, bounces, complaints, new passwords). For one thread at a time.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "cli/elsewhere.h"
#include "conduct/notice.h"
#include "conduct/warden.h"
#include "config/config.h"
#include "event/event.h"
#include "mail/server.h"
#include "queue/spool.h"
#include "store/store.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
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
        std::function<void(const conduct::Subject& whose)> end_sessions;
        Elsewhere elsewhere = {};
    };
    explicit ConductKeeper(Deps deps) : deps_(deps) {}

    void follow(const config::Config& config);
    // What was kept. To be called once, before sessions begin.
    Status restore();
    // About once a second.
    void tick(Time now);

    // conduct-list, and of an "account" or a "line": conduct-show, conduct-suspend, conduct-undo,
    // conduct-exempt, conduct-notice (the owner is told of the stage once more).
    [[nodiscard]] Result<Json> command(const std::string& name, const Json& request);
    // Accounts by stage, and how many lines have one, for status and metrics.
    [[nodiscard]] Json status() const;

  private:
    void look_at_journal(Time now);
    [[nodiscard]] bool told_lately(const std::string& line, Time now);
    void carry_out();
    void carry_out(const conduct::Happened& what);
    void keep();
    [[nodiscard]] std::vector<queue::Entry> queued(const conduct::Subject& who, bool held);
    [[nodiscard]] static event::Event event_of_entry(const queue::Entry& entry, event::Kind kind);
    void hold_queue(const conduct::Subject& who, const std::string& reason);
    void release_queue(const conduct::Subject& who);
    struct Owner {
        std::string address, language;
    };
    [[nodiscard]] std::vector<Owner> owners(const conduct::Subject& who);
    [[nodiscard]] Result<account::Account> account_of(const std::string& login);
    void tell(const conduct::Happened& what, bool subscriber);
    void send(const std::string& to, conduct::Notice notice, Time at);
    [[nodiscard]] Status is_known(const conduct::Subject& who);
    Result<Json> order(const std::string& name, const conduct::Subject& who, const Json& request);
    Result<Json> tell_again(
        const conduct::Subject& who, const std::string& by, const std::string& reason
    );

    Deps deps_;
    config::Config config_;
    std::map<std::string, Time> blocked_;  // lines: when one was told last
    std::int64_t last_event_ = -1;         // -1: not known yet
    bool kept_ = true;
    std::vector<conduct::Record> unkept_;
};

[[nodiscard]] conduct::Rules rules_of(const config::Conduct& config);

}  // namespace sekisho::cli
