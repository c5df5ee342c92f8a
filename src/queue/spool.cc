#include "queue/spool.h"

#include "base/bytes.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::queue {
namespace {

std::string_view domain_of(std::string_view address) {
    const std::size_t at = address.rfind('@');
    return at == std::string_view::npos ? std::string_view{} : address.substr(at + 1);
}

bool sender_matches(std::string_view wanted, std::string_view reverse_path) {
    return wanted == "<>" ? reverse_path.empty() : iequals(wanted, reverse_path);
}

}  // namespace

bool matches(const Filter& filter, const Entry& entry) {
    const Envelope& envelope = entry.envelope;
    if ((!filter.account.empty() && filter.account != envelope.account) ||
        (!filter.client.empty() && filter.client != envelope.client) ||
        (!filter.sender.empty() && !sender_matches(filter.sender, envelope.reverse_path)) ||
        (!filter.ids.empty() && !filter.ids.contains(envelope.queue_id)) ||
        (!filter.after.empty() && envelope.queue_id <= filter.after) ||
        (filter.accepted_before && envelope.accepted >= *filter.accepted_before) ||
        (filter.held && *filter.held != entry.held) ||
        (filter.in_delivery && *filter.in_delivery != entry.in_delivery)) {
        return false;
    }
    if (filter.recipient.empty() && filter.domain.empty()) {
        return true;
    }
    return std::any_of(
        envelope.recipients.begin(),
        envelope.recipients.end(),
        [&](const Recipient& recipient) {
            return (filter.recipient.empty() || iequals(filter.recipient, recipient.address)) &&
                   (filter.domain.empty() || iequals(filter.domain, domain_of(recipient.address)));
        }
    );
}

std::string_view name(Grade grade) {
    switch (grade) {
        case Grade::Urgent:
            return "urgent";
        case Grade::Interactive:
            return "interactive";
        case Grade::Bulk:
            return "bulk";
        case Grade::Report:
            return "report";
    }
    return "unknown";
}

std::string_view name(Damage::Kind kind) {
    switch (kind) {
        case Damage::Kind::TornTail:
            return "torn-tail";
        case Damage::Kind::BodyDamaged:
            return "body-damaged";
        case Damage::Kind::MessageLost:
            return "message-lost";
        case Damage::Kind::StateLost:
            return "state-lost";
        case Damage::Kind::UnknownRecord:
            return "unknown-record";
        case Damage::Kind::BytesSkipped:
            return "bytes-skipped";
        case Damage::Kind::SegmentMissing:
            return "segment-missing";
    }
    return "unknown";
}

std::vector<Status> Spool::act(const Order& order, const std::vector<std::string>& queue_ids) {
    std::vector<Status> done;
    done.reserve(queue_ids.size());
    for (const std::string& id : queue_ids) {
        switch (order.action) {
            case Order::Action::Retry:
                done.push_back(retry_now(id, order.at));
                break;
            case Order::Action::Hold:
                done.push_back(hold(id, order.reason));
                break;
            case Order::Action::Release:
                done.push_back(release(id, order.at));
                break;
            case Order::Action::Drop:
                done.push_back(drop(id));
                break;
            case Order::Action::Reroute:
                done.push_back(fail(Errc::Invalid, "this spool can't change a route"));
                break;
        }
    }
    return done;
}

void Spool::visit(const Filter& filter, const Visitor& visitor) {
    std::size_t seen = 0;
    for (Entry& entry : list(std::numeric_limits<std::size_t>::max())) {
        if (seen == filter.limit) {
            return;
        }
        if (matches(filter, entry)) {
            ++seen;
            if (!visitor(std::move(entry))) {
                return;
            }
        }
    }
}

std::vector<Entry> Spool::find(const Filter& filter) {
    std::vector<Entry> found;
    visit(filter, [&found](Entry entry) {
        found.push_back(std::move(entry));
        return true;
    });
    return found;
}

}  // namespace sekisho::queue
