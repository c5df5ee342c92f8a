#include "cli/complaint_ops.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"
#include "message/arf.h"
#include "store/store.h"

#include <fmt/core.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::cli {
namespace {

// A row about a message that was submitted here, and by whom.
Result<std::optional<event::Event>> find_message(
    store::Store& store, const message::Complaint& complaint
) {
    event::Query query;
    query.kinds = {event::Kind::Accepted};
    query.limit = 1;
    for (const std::string& id : complaint.queue_ids) {
        query.queue_id = id;
        auto found = store.journal().find(query);
        if (!found) {
            return fail(found.error());
        }
        // The id may be of another system's form: then the Message-ID must agree.
        if (!found->empty() && !found->front().account.empty() &&
            (complaint.message_id.empty() || complaint.message_id == found->front().message_id)) {
            return std::optional(std::move(found->front()));
        }
    }
    query.queue_id.reset();
    if (complaint.message_id.empty()) {
        return std::optional<event::Event>{};
    }
    query.message_id = complaint.message_id;
    auto found = store.journal().find(query);
    if (!found) {
        return fail(found.error());
    }
    if (found->empty() || found->front().account.empty()) {
        return std::optional<event::Event>{};
    }
    return std::optional(std::move(found->front()));
}

// Nobody complains: a receiver tells the domain what it could not authenticate (RFC 9991), forged
// or ours. It says nothing about an account.
Json auth_failure(const message::Complaint& report) {
    const auto or_unknown = [](const std::string& text) {
        return text.empty() ? std::string("something unknown") : printable(text, 100);
    };
    const std::string text = fmt::format(
        "no complaint: {} tells that mail as {} from {} failed {}{}",
        report.user_agent.empty() ? "somebody" : printable(report.user_agent, 80),
        or_unknown(report.reported_domain),
        or_unknown(report.source_ip),
        or_unknown(report.auth_failure),
        report.delivery_result.empty() ? "" : ": " + printable(report.delivery_result, 40)
    );
    log::info("AUTH_FAILURE_REPORTED", text, {{"message_id", report.message_id}});
    return Json{
        {"type", report.type},
        {"auth_failure", report.auth_failure},
        {"domain", report.reported_domain},
        {"source", report.source_ip},
        {"message_id", report.message_id},
        {"text", text}
    };
}

}  // namespace

Result<Json> take_complaint(store::Store& store, std::string_view report) {
    const auto complaint = message::parse_complaint(report);
    if (!complaint) {
        return fail(complaint.error());
    }
    // A report that somebody isn't spam is no complaint (RFC 6430).
    if (complaint->type == "not-spam") {
        return fail(Errc::Invalid, "the report says that the message is no spam");
    }
    if (complaint->type == "auth-failure") {
        return auth_failure(*complaint);
    }
    const auto message = find_message(store, *complaint);
    if (!message) {
        return fail(message.error());
    }
    if (!*message) {
        return fail(
            Errc::NotFound,
            "the message " + printable(complaint->message_id) + " is not known to be from here"
        );
    }
    event::Event row;
    row.at = now();
    row.kind = event::Kind::ComplaintReceived;
    row.account = (*message)->account;
    row.line = (*message)->line;
    row.queue_id = (*message)->queue_id;
    row.message_id = (*message)->message_id;
    row.recipient = complaint->rcpt_to.empty() ? "" : printable(complaint->rcpt_to.front());
    row.detail = fmt::format(
        "{} reported by {}",
        printable(complaint->type, 40),
        complaint->user_agent.empty() ? "somebody" : printable(complaint->user_agent, 80)
    );
    Json out{
        {"account", row.account},
        {"queue_id", row.queue_id},
        {"message_id", row.message_id},
        {"type", complaint->type},
        {"text", "about a message of " + row.account + ": " + row.detail}
    };
    store.journal().append(std::move(row));
    return out;
}

}  // namespace sekisho::cli
