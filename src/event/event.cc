#include "event/event.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace sekisho::event {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 28> kNames{{
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

std::optional<Kind> parse_kind(std::string_view text) {
    for (const auto& [value, known] : kNames) {
        if (known == text) {
            return value;
        }
    }
    return std::nullopt;
}

}  // namespace sekisho::event
