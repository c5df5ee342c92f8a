#include "mail/session.h"

#include "account/sasl.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/machine.h"
#include "event/event.h"
#include "limit/spec.h"
#include "mail/rules.h"
#include "mail/shared.h"
#include "net/proxied.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls.h"
#include "smtp/guidance.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"
#include "smtp/xclient.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr Duration kWriteTimeout = std::chrono::minutes(5);
constexpr Duration kHandshakeTimeout = std::chrono::seconds(60);
constexpr Duration kLinger = std::chrono::seconds(5);
constexpr Duration kProxyTimeout = std::chrono::seconds(10);
constexpr std::string_view kAlpn = "smtp";
constexpr std::string_view kAlpnOfBrowsers = "http/1.1";
// At most so much is read at once: of commands, of data.
constexpr std::size_t kReadIdle = 4096;
constexpr std::size_t kReadData = 65536;

// Where a loop's connections read into. A stream fills it when its wait is over, and the session
// has taken everything from it before another coroutine of the thread runs: so one that waits holds
// no buffer.
std::span<char> read_buffer(std::size_t size) {
    thread_local std::vector<char> buffer(kReadData);
    return std::span(buffer).first(size);
}

// Clients get less patience then.
bool near_full(const Shared& shared, const Settings& settings) {
    const config::Mail& mail = settings.config.mail;
    return std::uint64_t{shared.connections.total()} * 100 >=
           std::uint64_t{mail.connections_max} * mail.stress_at;
}

smtp::ServerOptions options_of(
    const Shared& shared, const Settings& settings, Kind kind, bool xclient
) {
    const bool exchange = kind == Kind::Exchange;
    smtp::ServerOptions out = session_options(
        settings,
        exchange ? smtp::Service::Exchange : smtp::Service::Submission,
        kind == Kind::Submissions || kind == Kind::SubmissionsAlpn,
        shared.tls.get() != nullptr
    );
    out.began = now();
    out.xclient = xclient;
    if (exchange) {
        out.reference = random_token(smtp::kReferenceBits);
    }
    if (near_full(shared, settings)) {
        out.bad_commands_max = 1;
    }
    return out;
}

bool listed(const std::vector<Prefix>& prefixes, const IpAddress& address) {
    return std::ranges::any_of(prefixes, [&address](const Prefix& prefix) {
        return prefix.contains(address);
    });
}

// Of the connection's own address, or whom a PROXY header names.
bool xclient_allowed(const Settings& settings, const net::Stream& stream) {
    return listed(settings.config.mail.xclient_from, stream.peer().address);
}

std::string_view service(Kind kind) {
    return kind == Kind::Exchange ? "exchange" : "submission";
}

}  // namespace

Session::Session(std::shared_ptr<Shared> shared, Kind kind, std::shared_ptr<net::Stream> stream)
    : shared_(std::move(shared)),
      settings_(shared_->settings()),
      kind_(kind),
      stream_(std::move(stream)),
      peer_(stream_->peer().address),
      peer_key_(limit::client_key(peer_).text()),
      live_(std::make_shared<Live>()),
      place_(shared_->connections.enter(
          peer_,
          settings_->config.mail.connections_max,
          settings_->config.mail.connections_per_address_max
      )),
      smtp_(options_of(*shared_, *settings_, kind, xclient_allowed(*settings_, *stream_))) {
    live_->stream = stream_;
    live_id_ = shared_->add(live_);
    ++shared_->counters.connections;
    ++shared_->counters.connections_open;
}

Session::~Session() {
    give_back();
    shared_->remove(live_id_);
    --shared_->counters.connections_open;
}

std::optional<smtp::Reply> Session::unwanted() const {
    const std::string& hostname = settings_->config.mail.hostname;
    if (shared_->stopping) {
        return smtp::reply(421, "4.3.2", hostname + " The service is stopping");
    }
    if (!place_) {
        return smtp::reply(
            421, "4.7.0", fmt::format("{} Too many connections from {}", hostname, peer_key_)
        );
    }
    return std::nullopt;
}

// The same, and the limits of connections. A proxy's count for the client that it names.
net::Task<std::optional<smtp::Reply>> Session::unwelcome() {
    std::optional<smtp::Reply> refusal = unwanted();
    if (!refusal) {
        co_await find_line_early();
        live_->line = line_here();
        if (client_named_ || !smtp_.options().xclient) {
            refusal = limited_connection();
        }
    }
    co_return refusal;
}

net::Task<void> Session::run() {
    std::optional<smtp::Reply> refusal = co_await unwelcome();
    const bool begun = co_await begin(!refusal.has_value());
    if (begun) {
        if (refusal) {
            ++shared_->counters.connections_refused;
            smtp_.refuse_connection(std::move(*refusal));
        }
        co_await converse();
        if (milters_) {
            co_await milters_->end();
        }
    }
    note_refusals();
    remember_peer();
    stream_->close();
}

// What comes before the greeting: TLS on port 465, the wait for early talkers on 25.
net::Task<bool> Session::begin(bool wanted) {
    if (kind_ == Kind::Submissions || kind_ == Kind::SubmissionsAlpn) {
        // A client that is refused isn't worth a handshake, and plain text would only confuse it.
        if (!wanted) {
            ++shared_->counters.connections_refused;
            co_return false;
        }
        const bool started = co_await start_tls();
        if (!started) {
            co_return false;
        }
        if (kind_ == Kind::SubmissionsAlpn && stream_->tls()->protocol != kAlpn) {
            co_await turn_away_browser();
            co_return false;
        }
    }
    if (!wanted) {
        co_return true;
    }
    // RFC 5321 §3.1: the client waits for the greeting. On submission people wait, so nobody is
    // kept waiting to see whether it does; what is there already was sent too early all the same.
    bool early = kind_ == Kind::Submission && stream_->input_waiting();
    if (kind_ == Kind::Exchange && shared_->greeting_wait.count() > 0) {
        // Programs that only pour out spam don't. Who has shown lately that it waits isn't kept
        // waiting again.
        const bool patient = shared_->patient.knows(peer_key_, now());
        if (!patient) {
            co_await net::sleep_for(stream_->executor(), shared_->greeting_wait);
        }
        early = stream_->input_waiting();
        shared_->patient.note(peer_key_, !early, now());
    }
    early_ = early;
    if (early) {
        ++shared_->counters.early_talkers;
    }
    smtp_.start(early);
    co_return true;
}

net::Task<void> Session::converse() {
    while (true) {
        const bool was_receiving = smtp_.receiving();
        Smtp::Action action = smtp_.next();
        note_refusals();
        note_progress(was_receiving);
        if (std::holds_alternative<Smtp::Close>(action)) {
            // The last reply must reach who is still sending.
            co_await stream_->linger(kLinger);
            co_return;
        }
        if (!std::holds_alternative<Smtp::Read>(action)) {
            // Something came of what was read: the next wait begins anew.
            waiting_since_ = std::chrono::steady_clock::now();
        }
        const bool goes_on = co_await perform(std::move(action));
        if (!goes_on) {
            co_return;
        }
    }
}

// The clock of a message runs from DATA or the first BDAT to its end: who cuts it into many chunks
// has no more time for it.
void Session::note_progress(bool was_receiving) {
    if (smtp_.receiving() && !was_receiving) {
        receiving_since_ = std::chrono::steady_clock::now();
        data_octets_ = 0;
    }
}

net::Task<bool> Session::perform(Smtp::Action action) {
    if (std::holds_alternative<Smtp::Read>(action)) {
        const bool alive = co_await read();
        co_return alive;
    }
    if (auto* send = std::get_if<Smtp::Send>(&action)) {
        stream_->expires_after(kWriteTimeout);
        const Status written = co_await stream_->write_all(send->bytes);
        co_return written.has_value();
    }
    if (std::holds_alternative<Smtp::StartTls>(action)) {
        const bool started = co_await start_tls();
        smtp_.tls_started(started);
        co_return true;
    }
    if (auto* first = std::get_if<Smtp::Authenticate>(&action)) {
        co_await authenticate(std::move(first->mechanism), std::move(first->initial));
    } else if (auto* more = std::get_if<Smtp::AuthContinue>(&action)) {
        co_await continue_login(std::move(more->response));
    } else if (std::holds_alternative<Smtp::AuthCancelled>(action)) {
        sasl_.reset();
    } else if (auto* client = std::get_if<Smtp::TakeClient>(&action)) {
        co_await take_client(std::move(client->told));
    } else if (std::holds_alternative<Smtp::CheckMail>(action)) {
        co_await check_mail();
    } else if (auto* recipient = std::get_if<Smtp::CheckRcpt>(&action)) {
        co_await check_rcpt(std::move(*recipient));
    } else if (auto* mail = std::get_if<Smtp::Deliver>(&action)) {
        co_await take_message(std::move(*mail));
    }
    co_return true;
}

// False: the client has gone.
net::Task<bool> Session::read() {
    if (shared_->stopping) {
        smtp_.close_with(
            smtp::reply(421, "4.3.2", settings_->config.mail.hostname + " The service is stopping")
        );
        co_return true;
    }
    if (live_->ended) {
        smtp_.close_with(smtp::reply(
            421, "4.7.0", settings_->config.mail.hostname + " This account may not send any more"
        ));
        co_return true;
    }
    const bool data = smtp_.waiting() == Smtp::Waiting::Data;
    const std::span<char> buffer = read_buffer(data ? kReadData : kReadIdle);
    stream_->expires_after(patience());
    live_->reading = true;
    const Result<std::size_t> got = co_await stream_->read_some(buffer);
    live_->reading = false;
    if (!got) {
        if (got.error().code != Errc::Timeout) {
            co_return false;
        }
        ++shared_->counters.timeouts;
        smtp_.timed_out();
        co_return true;
    }
    data_octets_ += *got;
    const std::span<char> bytes = buffer.first(*got);
    smtp_.receive(std::string_view(bytes.data(), bytes.size()));
    if (!data) {
        std::ranges::fill(bytes, '\0');  // a password may have been among it
    }
    co_return true;
}

// How long the next read may take. A command has its time in all, not each of its octets; a message
// must come at a least rate in the long run, or who drips it holds a place for hours.
Duration Session::patience() {
    const config::Mail& mail = settings_->config.mail;
    const bool stress = near_full(*shared_, *settings_);
    const auto since = [](std::chrono::steady_clock::time_point begun) {
        return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begun);
    };
    Duration left = stress ? std::min(shared_->data_timeout, shared_->stress_data_timeout)
                           : shared_->data_timeout;
    if (smtp_.receiving() && mail.data_rate_min > 0) {
        const Duration earned{data_octets_ * 1000 / mail.data_rate_min};
        left = std::clamp(left + earned - since(receiving_since_), Duration{0}, left);
    }
    if (smtp_.waiting() == Smtp::Waiting::Data) {
        return left;
    }
    const Duration all = stress ? std::min(mail.command_timeout, shared_->stress_command_timeout)
                                : mail.command_timeout;
    const Duration of_command = std::max(all - since(waiting_since_), Duration{0});
    return smtp_.receiving() ? std::min(of_command, left) : of_command;
}

// XCLIENT: everything from here on is about who was named.
net::Task<void> Session::take_client(smtp::XClient told) {
    Endpoint client = stream_->peer();
    Endpoint local = stream_->local();
    client.address = told.address.value_or(client.address);
    client.port = told.port.value_or(client.port);
    local.address = told.local_address.value_or(local.address);
    local.port = told.local_port.value_or(local.port);
    stream_->assume(client, local);
    give_back();
    peer_ = client.address;
    peer_key_ = limit::client_key(peer_).text();
    place_ = {};
    place_ = shared_->connections.enter(
        peer_,
        settings_->config.mail.connections_max,
        settings_->config.mail.connections_per_address_max
    );
    sasl_.reset();
    identities_.clear();  // the certificate was the proxy's
    live_->account.clear();
    account_.reset();
    own_offset_.reset();
    candidate_.reset();
    elsewhere_ = false;
    line_.reset();
    findings_ = {};
    past_ = {};
    brought_ = {};
    judgement_.reset();
    reference_.clear();
    early_ = false;
    unknown_recipients_ = 0;
    client_named_ = true;
    forget_filtering();
    if (milters_) {
        milters_->client_changed();
    }
    auto refusal = co_await unwelcome();
    shared_->counters.connections_refused += refusal ? 1 : 0;
    smtp_.client_taken(std::move(refusal));
}

// Who comes to port 443 with a browser is shown the way.
net::Task<void> Session::turn_away_browser() {
    const std::string& guide = settings_->config.provider.guide_url;
    const std::string text =
        "This port is for sending mail with a mail program (ALPN \"smtp\").\r\n" +
        (guide.empty() ? std::string{} : "How to set one up: " + guide + "\r\n");
    const std::string bytes = fmt::format(
        "HTTP/1.1 {}\r\n{}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n"
        "Connection: close\r\n\r\n{}",
        guide.empty() ? "421 Misdirected Request" : "307 Temporary Redirect",
        guide.empty() ? std::string{} : "Location: " + guide + "\r\n",
        text.size(),
        text
    );
    ++shared_->counters.browsers;
    stream_->expires_after(kHandshakeTimeout);
    const Status written = co_await stream_->write_all(bytes);
    if (written) {
        co_await stream_->linger(kLinger);
    }
}

net::Task<bool> Session::start_tls() {
    auto context = shared_->tls.get();
    if (!context) {
        co_return false;
    }
    stream_->expires_after(kHandshakeTimeout);
    net::ServerTls how(std::move(context));
    if (kind_ == Kind::SubmissionsAlpn) {
        how.protocols = {std::string(kAlpn), std::string(kAlpnOfBrowsers)};
    }
    how.ask_certificate = kind_ != Kind::Exchange && !settings_->config.tls.client_ca.empty();
    const Status started = co_await stream_->start_tls_server(std::move(how));
    if (!started) {
        ++shared_->counters.tls_failed;
        log::debug(
            "MAIL_TLS_FAILED",
            "no TLS with a client",
            {{"peer", peer_.text()}, {"error", started.error().message}}
        );
        co_return false;
    }
    ++shared_->counters.tls_started;
    identities_ = identities_of(settings_->config.tls, stream_->tls().value_or(net::TlsInfo{}));
    if (!identities_.empty()) {
        smtp_.add_mechanism(std::string(account::name(account::Mechanism::External)));
    }
    co_return true;
}

event::Event Session::event(event::Kind kind) const {
    event::Event out;
    out.at = now();
    out.kind = kind;
    out.address = peer_.text();
    if (account_) {
        out.account = account_->login;
        out.line = account_->line;
    }
    if (std::string line = line_here(); !line.empty()) {
        out.line = std::move(line);
    }
    out.sender = smtp_.transaction().reverse_path();
    return out;
}

void Session::answer(
    smtp::Reply reply, std::string recipient, std::string rule, std::string reference
) {
    if (reply.positive()) {
        smtp_.answer(std::move(reply));
        return;
    }
    note_refusals();  // what is older is recorded first
    if (reply.code >= 500 && !recipient.empty()) {
        count_each(limit::Counts::RefusedRecipients, facts(recipient));
        // A client that is refused for what it is says nothing new about itself.
        brought_.refused_recipients += rule != "peer" && rule != "misplaced" ? 1 : 0;
        if (account_) {
            tell_warden(account_->login, account_->line, seen_here(conduct::Seen::What::NotTaken));
        }
    }
    const bool leads_nowhere = reply.code == 550 && (rule == "unknown-user" || rule == "relay");
    unknown_recipients_ += leads_nowhere ? 1 : 0;
    event::Event refused = event(event::Kind::Refused);
    refused.detail = reply.text();
    refused.recipient = std::move(recipient);
    refused.rule = std::move(rule);
    refused.reference = std::move(reference);
    log::info(
        "MAIL_REFUSED",
        refused.detail,
        {{"service", service(kind_)},
         {"peer", refused.address},
         {"account", refused.account},
         {"sender", refused.sender},
         {"recipient", refused.recipient},
         {"rule", refused.rule},
         {"reference", refused.reference}}
    );
    shared_->journal.append(std::move(refused));
    shared_->counters.refuse(reply.code);
    smtp_.answer(std::move(reply));
    static_cast<void>(smtp_.take_refusals());  // recorded here
    if (leads_nowhere && unknown_recipients_ >= settings_->config.mail.unknown_recipients_max) {
        shared_->counters.refuse(421);
        smtp_.close_with(smtp::reply(
            421, "4.7.0", settings_->config.mail.hostname + " Too many unknown recipients"
        ));
    }
}

// What the session refused by itself: malformed commands, no login, too big, bare LF, ...
void Session::note_refusals() {
    for (Smtp::Refusal& refusal : smtp_.take_refusals()) {
        shared_->counters.refuse(refusal.reply.code);
        event::Event refused = event(event::Kind::Refused);
        refused.detail = refusal.command + ": " + refusal.reply.text();
        if (kind_ == Kind::Exchange && refusal.command == "AUTH") {
            // A mail program in the wrong place: the support desk finds it by what it was told.
            refused.rule = "misplaced";
            reference_ = reference_.empty() ? smtp_.options().reference : reference_;
            refused.reference = smtp_.options().reference;
        }
        log::info(
            "MAIL_REFUSED",
            refused.detail,
            {{"service", service(kind_)},
             {"peer", refused.address},
             {"account", refused.account},
             {"sender", refused.sender},
             {"reference", refused.reference}}
        );
        shared_->journal.append(std::move(refused));
    }
}

net::Task<void> run_session(
    std::shared_ptr<Shared> shared, Kind kind, std::unique_ptr<net::Stream> stream
) {
    const auto settings = shared->settings();
    if (listed(settings->config.mail.proxy_from, stream->peer().address)) {
        const Status told = co_await net::take_proxy_header(*stream, kProxyTimeout);
        if (!told) {
            ++shared->counters.proxies_refused;
            log::warning(
                "MAIL_NO_PROXY_HEADER",
                told.error().message,
                {{"service", service(kind)}, {"peer", stream->peer().text()}}
            );
            co_return;
        }
    }
    const auto session =
        std::make_unique<Session>(std::move(shared), kind, std::shared_ptr(std::move(stream)));
    co_await session->run();
}

}  // namespace sekisho::mail
