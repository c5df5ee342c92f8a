#include "line/radius.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/radius_packet.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::line {
namespace {

bool is(const AccountingRequest& request, AcctStatus status) {
    return request.status == std::to_underlying(status);
}

bool is_of_a_session(const AccountingRequest& request) {
    return is(request, AcctStatus::Start) || is(request, AcctStatus::InterimUpdate) ||
           is(request, AcctStatus::Stop);
}

// Who the NAS is, whatever way the packet took: its name before its address, and the sender's
// address only when it says neither (RFC 2866 §4.1 requires one of them).
std::string nas_name(const AccountingRequest& request, const IpAddress& from) {
    if (!request.nas_identifier.empty()) {
        return printable(request.nas_identifier);
    }
    return request.nas_address ? request.nas_address->text() : from.text();
}

}  // namespace

AccountingReceiver::AccountingReceiver(Options options, LineStore& store)
    : options_(std::move(options)), store_(store) {}

const AccountingReceiver::Client* AccountingReceiver::client_for(const IpAddress& from) const {
    const Client* best = nullptr;
    for (const Client& client : options_.clients) {
        if (client.from.contains(from) &&
            (best == nullptr || client.from.length() > best->from.length())) {
            best = &client;
        }
    }
    return best;
}

std::optional<std::string> AccountingReceiver::handle(
    std::string_view packet, const IpAddress& from, Time now
) {
    const auto taken = take(packet, from, now);
    if (!taken || !taken->kept) {
        return std::nullopt;
    }
    ++counters_.answered;
    return accounting_response(taken->request, taken->secret);
}

std::optional<AccountingReceiver::Taken> AccountingReceiver::take(
    std::string_view packet, const IpAddress& from, Time now
) {
    ++counters_.received;
    const Client* client = client_for(from);
    if (client == nullptr) {
        ++counters_.unknown_client;
        last_error_ = from.text() + " is no RADIUS client of ours";
        return std::nullopt;
    }
    auto request = parse_accounting(packet);
    if (!request) {
        ++counters_.malformed;
        last_error_ = from.text() + ": " + request.error().message;
        return std::nullopt;
    }
    if (!is_authentic(packet, client->secret)) {
        ++counters_.bad_authenticator;
        last_error_ = from.text() + ": the packet was made with another secret";
        return std::nullopt;
    }
    if (is_of_a_session(*request) && request->session_id.empty()) {
        ++counters_.malformed;
        last_error_ = from.text() + ": Acct-Session-Id is missing";
        return std::nullopt;
    }
    const Status recorded = record(*request, from, now);
    if (!recorded) {
        ++counters_.store_failures;
        last_error_ = recorded.error().message;
    }
    return Taken{std::move(*request), client->secret, recorded.has_value()};
}

Time AccountingReceiver::happened(const AccountingRequest& request, Time now) {
    if (request.event_time) {
        const Time at = *request.event_time;
        if (at >= now - options_.clock_error_max && at <= now + options_.clock_error_max) {
            // A clock that runs ahead must not make a session that begins in the future.
            return std::min(at, now);
        }
        ++counters_.clock_disbelieved;
    }
    return now - std::min<Duration>(request.delay, options_.clock_error_max);
}

Status AccountingReceiver::record(
    const AccountingRequest& request, const IpAddress& from, Time now
) {
    const std::string nas = nas_name(request, from);
    const Time at = happened(request, now);
    if (is_of_a_session(request)) {
        return record_session(request, nas, at);
    }
    if (is(request, AcctStatus::AccountingOn) || is(request, AcctStatus::AccountingOff)) {
        ++counters_.nas_restarts;
        return store_.stop_all(nas, at);
    }
    ++counters_.ignored;
    return {};
}

Status AccountingReceiver::record_session(
    const AccountingRequest& request, const std::string& nas, Time at
) {
    Session session;
    session.id = printable(request.session_id, 253);
    session.nas = nas;
    const auto [user, realm] = split_realm(request.user_name);
    session.line = printable(user, 253);
    session.realm = printable(realm, 253);
    session.prefixes = request.prefixes;
    session.seen = at;
    // What began before it could tell us: an Interim or Stop whose Start was lost.
    session.start = at;
    if (is(request, AcctStatus::Start)) {
        ++counters_.starts;
    } else {
        session.start -= request.session_time;
        ++(is(request, AcctStatus::Stop) ? counters_.stops : counters_.interims);
    }
    if (is(request, AcctStatus::Stop)) {
        session.end = at;
    }
    if (session.prefixes.empty()) {
        ++counters_.without_address;
    }
    return store_.put(session);
}

}  // namespace sekisho::line
