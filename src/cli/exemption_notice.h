// What who asked for an exemption is told, in Japanese and English.
#pragma once

#include "base/time.h"
#include "config/config.h"
#include "exemption/exemption.h"
#include "queue/spool.h"
#include "store/store.h"

namespace sekisho::cli {

struct NoticeDeps {
    store::Store& store;
    queue::Spool& spool;
    const config::Config& config;
};

// Queues it, to the first address of the account. `warning`: it is granted still, but what it was
// granted for no longer holds. Asked, and what who asked has done, is told to nobody.
void send_exemption_notice(
    const NoticeDeps& deps, const exemption::Request& request, bool warning, Time now
);

}  // namespace sekisho::cli
