#include "cli/queue_stats.h"

#include "base/bytes.h"
#include "base/time.h"
#include "cli/context.h"
#include "delivery/route.h"
#include "message/cause.h"
#include "queue/spool.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

void earliest(std::optional<Time>& kept, Time at) {
    kept = std::min(kept.value_or(at), at);
}

template <class Row>
std::vector<std::pair<std::string, Row>> most(
    const std::map<std::string, Row>& rows, std::size_t limit
) {
    std::vector<std::pair<std::string, Row>> all(rows.begin(), rows.end());
    std::ranges::sort(all, [](const auto& a, const auto& b) {
        return a.second.messages != b.second.messages ? a.second.messages > b.second.messages
                                                      : a.first < b.first;
    });
    all.resize(std::min(all.size(), limit));
    return all;
}

}  // namespace

std::uint64_t& QueueStats::waits_in(
    Destination& destination,
    const queue::Entry& entry,
    const std::string& domain,
    const Suspended& suspended
) {
    if (entry.held) {
        return destination.held;
    }
    if (suspended && suspended(entry.envelope, domain)) {
        return destination.suspended;
    }
    if (entry.in_delivery) {
        return destination.in_delivery;
    }
    if (entry.attempts > 0) {
        return destination.deferred;
    }
    return entry.due > now() ? destination.planned : destination.due;
}

void QueueStats::add(const queue::Entry& entry, const Suspended& suspended) {
    const queue::Envelope& envelope = entry.envelope;
    ++messages_;
    bytes_ += envelope.size;
    held_ += entry.held ? 1 : 0;
    Account& account = accounts_[envelope.account];
    ++account.messages;
    account.bytes += envelope.size;
    account.held += entry.held ? 1 : 0;
    earliest(account.oldest, envelope.accepted);
    std::set<std::string> seen;
    for (const queue::Recipient& to : envelope.recipients) {
        if (to.state != queue::RecipientState::Pending) {
            continue;
        }
        const std::string domain = delivery::domain_of(to.address);
        Destination& destination = destinations_[domain];
        ++destination.recipients;
        if (!to.last_reply.empty() &&
            (!destination.why_of || envelope.accepted < *destination.why_of)) {
            destination.why_of = envelope.accepted;
            destination.why = to.last_reply;
        }
        if (!seen.insert(domain).second) {
            continue;
        }
        ++destination.messages;
        ++waits_in(destination, entry, domain, suspended);
        earliest(destination.oldest, envelope.accepted);
        if (!entry.held && !entry.in_delivery) {
            earliest(destination.next, entry.due);
        }
    }
}

Json QueueStats::json(std::size_t limit) const {
    Json destinations = Json::array();
    for (const auto& [name, row] : most(destinations_, limit)) {
        Json out{
            {"domain", name},
            {"messages", row.messages},
            {"recipients", row.recipients},
            {"held", row.held},
            {"suspended", row.suspended},
            {"in_delivery", row.in_delivery},
            {"deferred", row.deferred},
            {"planned", row.planned},
            {"due", row.due},
            {"oldest", rfc3339(*row.oldest)},
        };
        if (row.next) {
            out["next_try"] = rfc3339(*row.next);
        }
        if (!row.why.empty()) {
            out["why"] = printable(row.why, 300);
            out["cause"] = message::plain_cause(row.why);
        }
        destinations.push_back(std::move(out));
    }
    Json accounts = Json::array();
    for (const auto& [name, row] : most(accounts_, limit)) {
        accounts.push_back(
            {{"account", name},
             {"messages", row.messages},
             {"bytes", row.bytes},
             {"held", row.held},
             {"oldest", rfc3339(*row.oldest)}}
        );
    }
    return Json{
        {"messages", messages_},
        {"bytes", bytes_},
        {"held", held_},
        {"destinations_total", destinations_.size()},
        {"accounts_total", accounts_.size()},
        {"destinations", std::move(destinations)},
        {"accounts", std::move(accounts)},
    };
}

}  // namespace sekisho::cli
