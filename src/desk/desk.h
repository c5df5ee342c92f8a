// Operators and support over HTTP: the guide for subscribers, the API and console for those who
// are signed in or hold a token, metrics and health. Looks everything up in the one memory; holds
// no mail.
//
// Invariants: nothing of /api/ but the sign-in and the OpenAPI document answers to nobody; /metrics
// answers to a token or to this machine; a subscriber is shown only what belongs to the line they
// read from.
#pragma once

#include "account/account.h"
#include "base/time.h"
#include "config/config.h"
#include "desk/control.h"
#include "event/event.h"
#include "exemption/exemption.h"
#include "lease/lease.h"
#include "line/line.h"
#include "policy/policy.h"
#include "report/ledger.h"
#include "session/session.h"
#include "staff/staff.h"

#include <functional>
#include <memory>
#include <string>

namespace sekisho::net {
struct HttpRequest;
struct HttpResponse;
}  // namespace sekisho::net

namespace sekisho::desk {

struct Deps {
    config::Config config;  // resolved
    std::shared_ptr<const policy::Policy> policy;
    account::AccountStore& accounts;
    line::LineStore& lines;
    event::Journal& journal;
    lease::LeaseStore& leases;
    staff::Store& staff;
    Control control;
    // Who is signed in to the subscriber's own page; null: nobody can.
    session::SessionStore* sessions = nullptr;
    exemption::RequestStore* requests = nullptr;  // null: nobody asks for an exemption
    Duration sign_in_wait{1000};          // before a refused one is answered, and multiples of it
    std::function<Time()> clock;          // null: the wall clock
    std::function<int()> offset_minutes;  // of local time; null: the machine's
    report::Ledger* reports = nullptr;    // of others about us; null: there are none
};

class Desk {
  public:
    // Reads state_dir/operator.token; without it operators sign in all the same.
    explicit Desk(Deps deps);
    ~Desk();
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    // For net::serve_http(); called on worker threads, many at once.
    [[nodiscard]] net::HttpResponse handle(const net::HttpRequest& request);
    // A new configuration, policy and token; requests under way finish with the old.
    void replace(config::Config config, std::shared_ptr<const policy::Policy> policy);

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace sekisho::desk
