#include "delivery/notices.h"

#include "base/time.h"
#include "delivery/outcome.h"
#include "message/dsn.h"
#include "queue/spool.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

using message::DsnAction;

// What there is to tell about a recipient, whether or not somebody wants to hear it.
std::optional<DsnAction> action_of(const FinishedRecipient& finished) {
    switch (finished.settled.state) {
        case queue::RecipientState::Bounced:
            return DsnAction::Failed;
        case queue::RecipientState::Delivered:
            if (finished.final_delivery) {
                return DsnAction::Delivered;
            }
            // RFC 3461 §5.2.2: a server without DSN got it, so we are the last to know.
            return finished.tried.dsn_passed_on ? std::nullopt : std::optional(DsnAction::Relayed);
        default:
            return finished.late_until ? std::optional(DsnAction::Delayed) : std::nullopt;
    }
}

bool wanted(const std::string& notify, DsnAction action) {
    if (action == DsnAction::Failed || action == DsnAction::Delayed) {
        return message::dsn_wanted(notify, action);
    }
    // "Relayed" answers NOTIFY=SUCCESS (RFC 3461 §5.2.2), and no default asks for success.
    return !notify.empty() && message::dsn_wanted(notify, DsnAction::Delivered);
}

// RFC 2852 §4.1.4: whoever set a time for delivery is told that the message was handed on: when it
// asked for a trace, and when the next server knows nothing of times, so that nobody after us
// tells.
bool by_is_told(const queue::Envelope& envelope, const FinishedRecipient& finished) {
    return envelope.deliver_by && finished.settled.state == queue::RecipientState::Delivered &&
           !finished.final_delivery && finished.recipient.notify != "NEVER" &&
           (envelope.deliver_by->trace || !finished.tried.by_passed_on);
}

message::DsnRecipient describe(const FinishedRecipient& finished, DsnAction action, Time now) {
    message::DsnRecipient result;
    result.address = finished.recipient.address;
    result.orcpt = finished.recipient.orcpt;
    result.action = action;
    result.status = finished.settled.status;
    result.diagnostic = finished.settled.reply;
    result.diagnostic_is_reply = !finished.tried.local;
    result.remote_mta = finished.tried.remote_name;
    result.last_attempt = now;
    result.retry_until = finished.late_until;
    return result;
}

}  // namespace

std::optional<Time> late_at(const queue::Entry& entry, const LateOptions& options) {
    if (entry.delay_told || entry.envelope.reverse_path.empty()) {
        return std::nullopt;
    }
    const auto& by = entry.envelope.deliver_by;
    if (by && by->mode == queue::DeliverBy::Mode::Notify) {
        return by->deadline;
    }
    if (options.delay <= Duration{0}) {
        return std::nullopt;
    }
    // What was held back until a time (RFC 4865) isn't late before it. With an expiry of its own
    // (by-mode "R") the difference lies before the acceptance and says nothing.
    return std::max(entry.envelope.accepted, entry.expires - options.expire) + options.delay;
}

std::optional<Notice> make_notice(
    const queue::Envelope& envelope,
    const std::vector<FinishedRecipient>& recipients,
    std::string_view original,
    const NoticeOptions& options,
    const std::string& unique,
    Time now
) {
    if (envelope.reverse_path.empty()) {
        return std::nullopt;  // RFC 5321 §6.1: never about a notification
    }
    message::DsnRequest request;
    for (const FinishedRecipient& finished : recipients) {
        const auto action = action_of(finished);
        if (by_is_told(envelope, finished)) {
            request.recipients.push_back(describe(finished, DsnAction::Relayed, now));
        } else if (action && wanted(finished.recipient.notify, *action)) {
            request.recipients.push_back(describe(finished, *action, now));
        }
    }
    if (request.recipients.empty()) {
        return std::nullopt;
    }
    request.reporting_mta = options.hostname;
    request.from = options.from;
    const std::string sender = options.original_sender
                                   ? options.original_sender(envelope.reverse_path)
                                   : envelope.reverse_path;
    request.to = sender;
    request.provider_name = options.provider_name;
    request.provider_name_ja = options.provider_name_ja;
    request.support = options.support;
    request.guide_url = options.guide_url;
    request.envid = envelope.envid;
    // RFC 8689 §5: nothing but the header of what had to stay under TLS, and under TLS again.
    request.ret = envelope.require_tls ? "HDRS" : envelope.ret;
    request.original_queue_id = envelope.queue_id;
    request.dsn_id = unique;
    request.original = original;
    request.arrival = envelope.accepted;
    request.now = now;
    auto built = message::build_dsn(request);
    if (!built) {
        return std::nullopt;  // only for what was excluded above
    }
    Notice notice;
    queue::Recipient to;
    to.address = sender;
    to.notify = "NEVER";
    notice.envelope.recipients.push_back(std::move(to));
    notice.envelope.message_id = built->message_id;
    notice.envelope.require_tls = envelope.require_tls;
    notice.envelope.accepted = now;
    notice.envelope.smtputf8 = built->smtputf8;
    notice.envelope.body_8bit = built->body_8bit;
    notice.envelope.size = built->message.size();
    notice.message = std::move(built->message);
    return notice;
}

}  // namespace sekisho::delivery
