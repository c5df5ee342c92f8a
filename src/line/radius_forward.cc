#include "line/radius_forward.h"

#include "base/result.h"
#include "base/time.h"
#include "line/radius_packet.h"
#include "radius/codec.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::line {
namespace {

using namespace radius;

constexpr unsigned kSilentMax = 3;
// Ours need say nothing: the id finds the request again. It is there for servers that want one.
constexpr std::string_view kProxyState = "sekisho";

}  // namespace

Result<std::string> forwarded_request(
    std::string_view packet, std::uint8_t id, std::string_view proxy_state, std::string_view secret
) {
    packet = without_padding(packet);
    if (packet.size() + proxy_state.size() + 2 > kRadiusPacketMax) {
        return bad("the packet has no room for another Proxy-State");
    }
    std::string out{packet};
    out[1] = static_cast<char>(id);
    // Behind those that are there, which stay as they are (RFC 2865 §5.33).
    append_attribute(out, ProxyState, proxy_state);
    set_length(out);
    out.replace(kAuthenticatorAt, kDigestSize, kDigestSize, '\0');
    const Status signed_again = each_attribute(
        packet,
        [&](std::uint8_t type, std::string_view value, std::size_t at) -> Status {
            if (type == MessageAuthenticator && value.size() == kDigestSize) {
                out.replace(at, kDigestSize, kDigestSize, '\0');
                out.replace(at, kDigestSize, hmac_md5(secret, out));
            }
            return {};
        }
    );
    if (!signed_again) {
        return fail(signed_again.error());
    }
    out.replace(kAuthenticatorAt, kDigestSize, md5(out + std::string{secret}));
    return out;
}

bool answers(std::string_view response, std::string_view sent, std::string_view secret) {
    if (response.size() < kHeaderSize || response.size() > kRadiusPacketMax ||
        response[0] != kAccountingResponse || response[1] != sent[1] ||
        length_field(response) < kHeaderSize || length_field(response) > response.size()) {
        return false;
    }
    response = without_padding(response);
    const Status whole = each_attribute(
        response, [](std::uint8_t, std::string_view, std::size_t) -> Status { return {}; }
    );
    // RFC 2866 §4.2.
    std::string bytes{response};
    bytes.replace(kAuthenticatorAt, kDigestSize, sent.substr(kAuthenticatorAt, kDigestSize));
    return whole &&
           same(md5(bytes + std::string{secret}), response.substr(kAuthenticatorAt, kDigestSize));
}

std::string returned_response(
    std::string_view response, const AccountingRequest& request, std::string_view client_secret
) {
    std::string out = packet_head(kAccountingResponse, request.id);
    for (const std::string& state : request.proxy_states) {
        append_attribute(out, ProxyState, state);
    }
    const Status read = each_attribute(
        without_padding(response),
        [&](std::uint8_t type, std::string_view value, std::size_t) -> Status {
            // A Message-Authenticator of the server's says nothing to the NAS.
            if (type != ProxyState && type != MessageAuthenticator &&
                out.size() + value.size() + 2 <= kRadiusPacketMax) {
                append_attribute(out, type, value);
            }
            return {};
        }
    );
    static_cast<void>(read);  // answers() has looked at it
    sign_response(out, request, client_secret);
    return out;
}

AccountingForwarder::AccountingForwarder(Options options)
    : options_(std::move(options)), servers_(options_.servers.size()) {}

bool AccountingForwarder::is_under_way(const Request& request) const {
    return std::ranges::any_of(servers_, [&](const Server& server) {
        return std::ranges::any_of(server.waiting, [&](const auto& waiting) {
            return waiting && waiting->request.from == request.from &&
                   waiting->request.read.id == request.read.id &&
                   waiting->request.read.authenticator == request.read.authenticator;
        });
    });
}

std::optional<std::uint8_t> AccountingForwarder::free_id(Server& server) {
    for (std::size_t i = 0; i < server.waiting.size(); ++i) {
        const std::uint8_t id = server.next_id++;
        if (!server.waiting.at(id)) {
            return id;
        }
    }
    return std::nullopt;
}

std::optional<AccountingForwarder::Send> AccountingForwarder::ask(
    Request request, std::size_t first, Time now
) {
    for (std::size_t i = first; i < servers_.size(); ++i) {
        Server& server = servers_[i];
        const auto id = server.rests_until > now ? std::nullopt : free_id(server);
        if (!id) {
            continue;
        }
        auto sent = forwarded_request(request.packet, *id, kProxyState, options_.secret);
        if (!sent) {
            break;
        }
        auto waiting = std::make_unique<Waiting>();
        waiting->request = std::move(request);
        waiting->sent = *sent;
        waiting->until = now + options_.timeout;
        server.waiting.at(*id) = std::move(waiting);
        ++counters_.forwarded;
        return Send{i, std::move(*sent)};
    }
    ++counters_.given_up;
    return std::nullopt;
}

std::optional<AccountingForwarder::Send> AccountingForwarder::forward(Request request, Time now) {
    return is_under_way(request) ? std::nullopt : ask(std::move(request), 0, now);
}

void AccountingForwarder::response(std::size_t server, std::string_view bytes, Time now) {
    Server& from = servers_.at(server);
    auto& waiting = from.waiting.at(bytes.size() > 1 ? octet(bytes, 1) : 0);
    if (!waiting || !answers(bytes, waiting->sent, options_.secret)) {
        ++counters_.bad_answers;
        return;
    }
    from.silent = 0;
    from.rests_until = std::min(from.rests_until, now);
    ++counters_.answered;
    const auto done = std::move(waiting);
    done->request.answer(returned_response(bytes, done->request.read, done->request.secret));
}

std::vector<AccountingForwarder::Send> AccountingForwarder::tick(Time now) {
    std::vector<Send> out;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        for (auto& waiting : servers_[i].waiting) {
            // A clock set back must not make it wait for as long.
            if (!waiting || (waiting->until > now && waiting->until - now <= options_.timeout)) {
                continue;
            }
            const auto late = std::move(waiting);
            ++counters_.timeouts;
            if (++servers_[i].silent >= kSilentMax) {
                servers_[i].rests_until = now + options_.rest;
            }
            if (auto next = ask(std::move(late->request), i + 1, now)) {
                out.push_back(std::move(*next));
            }
        }
    }
    return out;
}

}  // namespace sekisho::line
