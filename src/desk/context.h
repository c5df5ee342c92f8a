// What one request is answered from: a snapshot of configuration and policy, the stores, the time.
#pragma once

#include "desk/desk.h"
#include "guide/guide.h"
#include "report/ledger.h"

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sekisho::desk {

class Access;

using Json = nlohmann::json;

struct Snapshot {
    config::Config config;
    std::shared_ptr<const policy::Policy> policy;
    guide::Guide guide;
    std::string token;  // empty: there is none
};

struct Context {
    const Snapshot& snapshot;
    account::AccountStore& accounts;
    line::LineStore& lines;
    event::Journal& journal;
    lease::LeaseStore& leases;
    staff::Store& staff;
    Access& access;
    const Control& control;
    session::SessionStore* sessions;    // null: nobody can sign in
    exemption::RequestStore* requests;  // null: nobody asks
    report::Ledger* reports;            // null: there are none
    Time now;
    Time started;
};

// Invalid UTF-8 in stored text becomes U+FFFD.
[[nodiscard]] std::string dump(const Json& value);
// The object that a role answered; its "error" member is an Error.
[[nodiscard]] Result<Json> ask_role(
    const Control& control, const std::string& role, const Json& request
);

}  // namespace sekisho::desk
