// Carries requests for an exemption through: has looked up what the criteria ask for, decides or
// leaves it to an operator, looks again each day while one is granted, revokes, and tells who asked
// of each step. For one thread; looking up goes on elsewhere.
#pragma once

#include "base/time.h"
#include "config/config.h"
#include "exemption/act.h"
#include "exemption/exemption.h"
#include "line/line.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "policy/policy.h"
#include "queue/spool.h"
#include "store/store.h"

#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {

// gate.exempt_requests and what belongs to it.
[[nodiscard]] bool takes_requests(const config::Config& config);

// Whether the address has been the line's, and nobody else's, for so long: looked at day by day.
[[nodiscard]] exemption::Finding held(
    line::LineStore& lines,
    const std::string& line,
    const IpAddress& address,
    Duration time,
    Time now
);

class ExemptionKeeper {
  public:
    struct Deps {
        store::Store& store;
        queue::Spool& spool;
        net::Loops& loops;
        net::Resolver& resolver;
    };
    explicit ExemptionKeeper(Deps deps);
    ~ExemptionKeeper();
    ExemptionKeeper(const ExemptionKeeper&) = delete;
    ExemptionKeeper& operator=(const ExemptionKeeper&) = delete;

    void follow(const config::Config& config, std::shared_ptr<const policy::Policy> policy);
    // About once a second.
    void tick(Time now);

  private:
    struct Round;
    struct Lookup;
    static net::Task<void> look(
        std::shared_ptr<Round> round, Lookup how, std::vector<exemption::Request> due
    );
    void begin(Time now);
    void finish(Time now);
    void judge(exemption::Request request, const std::vector<exemption::Finding>& before, Time now);
    void watch_leases(Time now);
    void bring(exemption::Request request, const exemption::Decision& decision, Time now);
    void tell(Time now);

    Deps deps_;
    config::Config config_;
    std::shared_ptr<const policy::Policy> policy_;
    std::shared_ptr<Round> round_;
    Time looked_{};
};

}  // namespace sekisho::cli
