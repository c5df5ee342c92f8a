#include "queue/lane.h"

#include "queue/spool.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>

namespace sekisho::queue {
namespace {

constexpr std::uint64_t kCostBytes = 128 * 1024;
constexpr int kUrgent = 5;
constexpr int kReport = -5;

// A site has a /64 at least, so its host part says nothing. As text: "2001:db8:1:2::5" and
// "2001:db8:1:2:3:4:5:6" both give "2001:db8:1:2"; a shorter prefix before "::" stands for itself.
std::string_view network(std::string_view client) {
    std::size_t at = 0;
    for (int colons = 0; at < client.size(); ++at) {
        if (client[at] != ':') {
            continue;
        }
        if (++colons == 4 || client.substr(at).starts_with("::")) {
            break;
        }
    }
    return client.substr(0, at);
}

std::string_view owner_name(const Envelope& envelope) {
    if (!envelope.account.empty()) {
        return envelope.account;
    }
    if (!envelope.client.empty()) {
        return network(envelope.client);
    }
    return envelope.recipients.empty() ? std::string_view{} : envelope.recipients.front().address;
}

}  // namespace

std::optional<Grade> grade_of_priority(int priority) {
    if (priority == 0) {
        return std::nullopt;
    }
    if (priority > 0) {
        return priority >= kUrgent ? Grade::Urgent : Grade::Interactive;
    }
    return priority <= kReport ? Grade::Report : Grade::Bulk;
}

Lane lane_of(const Envelope& envelope) {
    Lane lane;
    lane.owner = std::hash<std::string_view>{}(owner_name(envelope));
    const std::uint64_t cost = envelope.recipients.size() + envelope.size / kCostBytes;
    lane.cost = static_cast<std::uint16_t>(
        std::clamp<std::uint64_t>(cost, 1, std::numeric_limits<std::uint16_t>::max())
    );
    if (const auto asked = grade_of_priority(envelope.priority)) {
        lane.grade = asked;
    } else if (envelope.reverse_path.empty()) {
        lane.grade = Grade::Report;
    } else if (envelope.recipients.size() >= kBulkRecipients) {
        lane.grade = Grade::Bulk;
    }
    return lane;
}

}  // namespace sekisho::queue
