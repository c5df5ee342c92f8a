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

std::vector<Entry> Spool::find(const Filter& filter) {
    std::vector<Entry> found;
    for (Entry& entry : list(std::numeric_limits<std::size_t>::max())) {
        if (found.size() >= filter.limit) {
            break;
        }
        if (matches(filter, entry)) {
            found.push_back(std::move(entry));
        }
    }
    return found;
}

}  // namespace sekisho::queue
