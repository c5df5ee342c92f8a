#include "cli/suppressions.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/time.h"
#include "config/config.h"
#include "event/event.h"
#include "queue/suppression.h"

#include <fmt/format.h>

#include <mutex>
#include <string>
#include <utility>

namespace sekisho::cli {

using queue::Suppressed;
using queue::SuppressionRule;

void SuppressionKeeper::follow(const config::Suppression& config) {
    const std::scoped_lock lock(mutex_);
    rule_ = {.after = config.after, .within = config.within, .keep = config.keep};
}

SuppressionRule SuppressionKeeper::rule() const {
    const std::scoped_lock lock(mutex_);
    return rule_;
}

void SuppressionKeeper::gone(const event::Event& bounced) {
    const SuppressionRule now_in_force = rule();
    if (now_in_force.after > 0) {
        deps_.workers.post([this, bounced, now_in_force] { count(bounced, now_in_force); });
    }
}

void SuppressionKeeper::count(const event::Event& bounced, const SuppressionRule& rule) {
    const auto added =
        deps_.list.bounced(bounced.recipient, printable(bounced.detail, 500), bounced.at, rule);
    if (!added) {
        log::warning(
            "SUPPRESSION_NOT_KEPT",
            "a bounce isn't counted",
            {{"recipient", bounced.recipient}, {"error", added.error().message}}
        );
        return;
    }
    if (!*added) {
        return;
    }
    const Suppressed& one = **added;
    event::Event row;
    row.at = bounced.at;
    row.kind = event::Kind::SuppressionChanged;
    row.account = bounced.account;
    row.queue_id = bounced.queue_id;
    row.message_id = bounced.message_id;
    row.recipient = one.recipient;
    row.rule = "suppression";
    row.detail = fmt::format(
        "refused from now on until {}, since mail for it came back {} times; last: {}",
        rfc3339(one.until.value_or(one.since)),
        one.bounces,
        one.why
    );
    log::info("SUPPRESSION_ADDED", row.detail, {{"recipient", one.recipient}});
    deps_.journal.append(std::move(row));
}

void SuppressionKeeper::reached(const std::string& recipient) {
    if (rule().after == 0) {
        return;
    }
    deps_.workers.post([this, recipient] {
        if (const Status done = deps_.list.reached(recipient); !done) {
            log::warning(
                "SUPPRESSION_NOT_KEPT",
                "bounces before a delivery still count",
                {{"recipient", recipient}, {"error", done.error().message}}
            );
        }
    });
}

void SuppressionKeeper::tidy(Time now) {
    const auto over = deps_.list.forget(now, now - rule().within);
    if (!over) {
        log::warning(
            "SUPPRESSION_NOT_TIDIED",
            "what is over is still in the database",
            {{"error", over.error().message}}
        );
        return;
    }
    for (const Suppressed& one : *over) {
        event::Event row;
        row.at = now;
        row.kind = event::Kind::SuppressionChanged;
        row.recipient = one.recipient;
        row.rule = "suppression";
        row.detail = "mail for it is taken again: the time is over";
        deps_.journal.append(std::move(row));
    }
}

}  // namespace sekisho::cli
