// What the table of routes calls. Each is given a sound request of somebody who may.
#pragma once

#include "desk/api.h"

namespace sekisho::desk {

// api_look.cc
[[nodiscard]] ApiAnswer get_status(const Call& call);
[[nodiscard]] ApiAnswer get_history(const Call& call);
[[nodiscard]] ApiAnswer watch(const Call& call);
[[nodiscard]] ApiAnswer look_events(const Call& call);
[[nodiscard]] ApiAnswer look_trace(const Call& call);
[[nodiscard]] ApiAnswer look_subscriber(const Call& call);
[[nodiscard]] ApiAnswer look_line(const Call& call);
[[nodiscard]] ApiAnswer look_accounts(const Call& call);

// api_order.cc
[[nodiscard]] ApiAnswer sign_in(const Call& call);
[[nodiscard]] ApiAnswer who_am_i(const Call& call);
[[nodiscard]] ApiAnswer sign_out(const Call& call);
[[nodiscard]] ApiAnswer look_queue(const Call& call);
[[nodiscard]] ApiAnswer order_queue(const Call& call);
[[nodiscard]] ApiAnswer order_message(const Call& call);
[[nodiscard]] ApiAnswer order_account(const Call& call);
[[nodiscard]] ApiAnswer link_account(const Call& call);
[[nodiscard]] ApiAnswer reset_limit(const Call& call);
[[nodiscard]] ApiAnswer look_send_as(const Call& call);
[[nodiscard]] ApiAnswer order_send_as(const Call& call);
[[nodiscard]] ApiAnswer look_conduct(const Call& call);

// api_policy.cc
[[nodiscard]] ApiAnswer get_policy(const Call& call);
[[nodiscard]] ApiAnswer get_gate(const Call& call);
[[nodiscard]] ApiAnswer explain_gate(const Call& call);
[[nodiscard]] ApiAnswer look_exemptions(const Call& call);
[[nodiscard]] ApiAnswer revoke_lease(const Call& call);

// api_reports.cc
[[nodiscard]] ApiAnswer look_dmarc_reports(const Call& call);
[[nodiscard]] ApiAnswer look_tls_reports(const Call& call);

// api_exemption.cc
[[nodiscard]] ApiAnswer look_requests(const Call& call);
[[nodiscard]] ApiAnswer decide_request(const Call& call);

}  // namespace sekisho::desk
