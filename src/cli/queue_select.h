// Which queued messages a command is about: the selector as the command line and the API give it.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"
#include "queue/spool.h"

#include <string>

namespace sekisho::cli {

// Members, all optional: "queue_id" or "ids" (array), "account", "line", "sender", "recipient",
// "domain", "client", "held" (bool), "older" (accepted before this time, RFC 3339), "after" (a
// queue id), "limit". An unknown member is no error: requests have others. A line is looked up in
// the journal: messages that were accepted from it.
[[nodiscard]] Result<queue::Filter> parse_selector(const Json& request, event::Journal& journal);

// Whether anything was asked, so that nobody drops the whole queue by leaving something out.
[[nodiscard]] bool selects(const Json& request);

// "account bulk@example.net, older than 2026-11-24T13:00:00Z": for the journal.
[[nodiscard]] std::string selector_text(const Json& request);

}  // namespace sekisho::cli
