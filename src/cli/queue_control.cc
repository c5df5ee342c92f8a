#include "cli/queue_control.h"

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"
#include "queue/spool.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::cli {
namespace {

std::string_view state_name(queue::RecipientState state) {
    switch (state) {
        case queue::RecipientState::Pending:
            return "pending";
        case queue::RecipientState::Delivered:
            return "delivered";
        case queue::RecipientState::Bounced:
            return "bounced";
        case queue::RecipientState::Dropped:
            return "dropped";
    }
    return "unknown";
}

Json to_json(const queue::Entry& entry) {
    const queue::Envelope& e = entry.envelope;
    Json recipients = Json::array();
    for (const queue::Recipient& one : e.recipients) {
        recipients.push_back(
            {{"address", one.address},
             {"state", state_name(one.state)},
             {"last_reply", one.last_reply}}
        );
    }
    const char* state = entry.held ? "held" : entry.in_delivery ? "in delivery" : "waiting";
    return Json{
        {"queue_id", e.queue_id},
        {"state", state},
        {"hold_reason", entry.hold_reason},
        {"sender", e.reverse_path},
        {"account", e.account},
        {"client", e.client},
        {"message_id", e.message_id},
        {"size", e.size},
        {"accepted", rfc3339(e.accepted)},
        {"due", rfc3339(entry.due)},
        {"expires", rfc3339(entry.expires)},
        {"attempts", entry.attempts},
        {"recipients", std::move(recipients)},
    };
}

struct Done {
    Status status;
    event::Kind kind;
    const char* text;
};

Done perform(
    queue::Spool& spool, const std::string& name, const std::string& id, const std::string& reason
) {
    if (name == "queue-retry") {
        return {spool.retry_now(id, now()), event::Kind::Released, "to be tried now"};
    }
    if (name == "queue-hold") {
        return {
            spool.hold(id, reason.empty() ? "by an operator" : reason), event::Kind::Held, "held"
        };
    }
    if (name == "queue-release") {
        return {spool.release(id, now()), event::Kind::Released, "released"};
    }
    if (name == "queue-drop") {
        return {spool.drop(id), event::Kind::Dropped, "dropped"};
    }
    return {
        fail(Errc::NotFound, "the mail server knows no command \"" + name + "\""),
        event::Kind::Dropped,
        ""
    };
}

}  // namespace

Json to_json(const queue::Spool::Counters& c) {
    return Json{
        {"queued", c.queued},
        {"held", c.held},
        {"in_delivery", c.in_delivery},
        {"scheduled", c.scheduled},
        {"damaged", c.damaged},
        {"appended_total", c.appended_total},
        {"commits_total", c.commits_total},
        {"synced_bytes_total", c.synced_bytes_total},
        {"acks_before_durable_total", c.acks_before_durable_total},
        {"append_failures_total", c.append_failures_total},
        {"write_errors_total", c.write_errors_total},
        {"segments", c.segments},
        {"segment_bytes", c.segment_bytes},
        {"live_bytes", c.live_bytes},
        {"writable", c.writable},
    };
}

Result<Json> queue_command(
    queue::Spool& spool, event::Journal& journal, const std::string& name, const Json& request
) {
    if (name == "queue-list") {
        constexpr std::size_t kLimit = 100;
        Json rows = Json::array();
        for (const queue::Entry& entry : spool.list(request.value("limit", kLimit))) {
            rows.push_back(to_json(entry));
        }
        return Json{{"messages", std::move(rows)}, {"queued", spool.counters().queued}};
    }
    const std::string id = request.value("queue_id", "");
    const auto entry = spool.show(id);
    if (name == "queue-show") {
        if (!entry) {
            return fail(entry.error());
        }
        return to_json(*entry);
    }
    const std::string reason = request.value("reason", "");
    const Done done = perform(spool, name, id, reason);
    if (!done.status) {
        return fail(done.status.error());
    }
    event::Event row;
    row.at = now();
    row.kind = done.kind;
    row.queue_id = id;
    if (entry) {
        row.account = entry->envelope.account;
        row.message_id = entry->envelope.message_id;
        row.sender = entry->envelope.reverse_path;
    }
    row.detail = std::string(done.text) + (reason.empty() ? "" : ": " + reason);
    journal.append(std::move(row));
    return Json{{"queue_id", id}, {"text", id + ": " + done.text}};
}

}  // namespace sekisho::cli
