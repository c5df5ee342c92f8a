#include "desk/audit_api.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "desk/api.h"
#include "staff/audit.h"
#include "staff/staff.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::desk {
namespace {

constexpr std::size_t kPage = 1000;

Json to_json(const staff::AuditEntry& entry) {
    return Json{
        {"number", entry.number},
        {"at", rfc3339(entry.at)},
        {"who", entry.who},
        {"how", entry.how},
        {"address", entry.address},
        {"action", entry.action},
        {"subject", entry.subject},
        {"reason", entry.reason},
        {"outcome", entry.outcome},
        {"digest", hex(entry.digest)}
    };
}

std::optional<std::string> given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

Status note(const Context& context, staff::AuditEntry entry) {
    entry.at = context.now;
    const auto kept = context.staff.note(std::move(entry));
    if (!kept) {
        log::error(
            "AUDIT_FAILED",
            "nothing is shown or done that can't be written down",
            {{"error", kept.error().message}}
        );
        return fail(kept.error());
    }
    log::info(
        "AUDIT",
        "an operator looked or acted",
        {{"number", kept->number},
         {"who", kept->who},
         {"action", kept->action},
         {"subject", kept->subject},
         {"outcome", kept->outcome},
         {"peer", kept->address},
         {"digest", hex(kept->digest)}}
    );
    return {};
}

ApiAnswer read_audit(const Call& call) {
    staff::AuditQuery query;
    query.who = given(call.text("who"));
    query.subject = given(call.text("subject"));
    query.action = given(call.text("action"));
    query.since = call.time("since");
    query.until = call.time("until");
    query.from = call.number("cursor", 0);
    query.limit = static_cast<std::size_t>(call.number("limit", 100));
    const auto found = call.context.staff.audit(query);
    if (!found) {
        return problem_of(found.error());
    }
    ApiAnswer answer;
    Json rows = Json::array();
    for (const staff::AuditEntry& entry : *found) {
        rows.push_back(to_json(entry));
    }
    if (found->size() == query.limit && found->back().number > 1) {
        answer.next = std::to_string(found->back().number);
    }
    answer.body = Json{{"entries", std::move(rows)}};
    return answer;
}

ApiAnswer verify_audit(const Call& call) {
    const auto count = call.context.staff.audit_count();
    if (!count) {
        return problem_of(count.error());
    }
    staff::AuditCheck check;
    staff::AuditQuery query{.limit = kPage, .newest_first = false};
    while (true) {
        const auto page = call.context.staff.audit(query);
        if (!page) {
            return problem_of(page.error());
        }
        for (const staff::AuditEntry& entry : *page) {
            check.take(entry);
        }
        if (page->size() < kPage) {
            break;
        }
        query.from = page->back().number;
    }
    check.end(*count);
    ApiAnswer answer;
    answer.body = Json{
        {"whole", check.faults().empty()},
        {"entries", check.number()},
        {"digest", hex(check.digest())},
        {"faults", check.faults()}
    };
    return answer;
}

}  // namespace sekisho::desk
