#include "event/event.h"

#include "base/result.h"
#include "base/time.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::event {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 30> kNames{{
    {Kind::GateBlocked, "gate-blocked"},
    {Kind::GateWouldBlock, "gate-would-block"},
    {Kind::LoginAccepted, "login-accepted"},
    {Kind::LoginRefused, "login-refused"},
    {Kind::Accepted, "accepted"},
    {Kind::Refused, "refused"},
    {Kind::Delivered, "delivered"},
    {Kind::Deferred, "deferred"},
    {Kind::Bounced, "bounced"},
    {Kind::Held, "held"},
    {Kind::Released, "released"},
    {Kind::Dropped, "dropped"},
    {Kind::AccountChanged, "account-changed"},
    {Kind::PolicyChanged, "policy-changed"},
    {Kind::PeerJudged, "peer-judged"},
    {Kind::LeaseGranted, "lease-granted"},
    {Kind::LeaseRenewed, "lease-renewed"},
    {Kind::LeaseEnded, "lease-ended"},
    {Kind::GateAnswered, "gate-answered"},
    {Kind::GateDowngraded, "gate-downgraded"},
    {Kind::EvidenceBegun, "evidence-begun"},
    {Kind::EvidenceShown, "evidence-shown"},
    {Kind::EvidenceStopped, "evidence-stopped"},
    {Kind::EvidenceErased, "evidence-erased"},
    {Kind::LimitWouldRefuse, "limit-would-refuse"},
    {Kind::LimitReset, "limit-reset"},
    {Kind::ConductChanged, "conduct-changed"},
    {Kind::ComplaintReceived, "complaint-received"},
    {Kind::SuppressionChanged, "suppression-changed"},
    {Kind::Expired, "expired"},
}};

}  // namespace

std::string_view name(Kind kind) {
    for (const auto& [value, text] : kNames) {
        if (value == kind) {
            return text;
        }
    }
    return "unknown";
}

Status for_each(Journal& journal, Query query, const std::function<void(const Event&)>& take) {
    constexpr std::size_t page = 10'000;
    query.limit = page;
    while (true) {
        const auto found = journal.find(query);
        if (!found) {
            return fail(found.error());
        }
        for (const Event& one : *found) {
            take(one);
        }
        if (found->size() < page) {
            return {};
        }
        query.before_id = found->back().id;
    }
}

Result<std::vector<Tally>> Journal::tally(Time since, Duration step) {
    Query query;
    query.since = since;
    std::map<std::pair<Kind, std::int64_t>, std::int64_t> sums;
    const Status read = for_each(*this, query, [&](const Event& one) {
        sums[{one.kind, (one.at - since) / step}] += one.count;
    });
    if (!read) {
        return fail(read.error());
    }
    std::vector<Tally> out;
    for (const auto& [key, count] : sums) {
        out.push_back({key.first, key.second, count});
    }
    return out;
}

std::optional<Kind> parse_kind(std::string_view text) {
    for (const auto& [value, known] : kNames) {
        if (known == text) {
            return value;
        }
    }
    return std::nullopt;
}

}  // namespace sekisho::event
