#include "mail/session.h"

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
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sekisho::mail {
namespace {

constexpr Duration kWriteTimeout = std::chrono::minutes(5);
constexpr Duration kHandshakeTimeout = std::chrono::seconds(60);
constexpr Duration kDataTimeout = std::chrono::minutes(3);  // RFC 5321 §4.5.3.2.5
constexpr Duration kLinger = std::chrono::seconds(5);
// A client that waits for commands holds this much; while data comes it may be more.
constexpr std::size_t kReadIdle = 4096;
constexpr std::size_t kReadData = 65536;

smtp::ServerOptions options_of(const Shared& shared, const Settings& settings, Kind kind) {
    const bool exchange = kind == Kind::Exchange;
    smtp::ServerOptions out = session_options(
        settings,
        exchange ? smtp::Service::Exchange : smtp::Service::Submission,
        kind == Kind::Submissions,
        shared.tls.get() != nullptr
    );
    out.began = now();
    return out;
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
      smtp_(options_of(*shared_, *settings_, kind)) {
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

net::Task<void> Session::run() {
    std::optional<smtp::Reply> refusal = unwanted();
    if (!refusal) {
        co_await find_line_for_limits();
        refusal = limited_connection();
    }
    const bool begun = co_await begin(!refusal.has_value());
    if (begun) {
        if (refusal) {
            ++shared_->counters.connections_refused;
            smtp_.refuse_connection(std::move(*refusal));
        }
        co_await converse();
    }
    note_refusals();
    stream_->close();
}

// What comes before the greeting: TLS on port 465, the wait for early talkers on 25.
net::Task<bool> Session::begin(bool wanted) {
    if (kind_ == Kind::Submissions) {
        // A client that is refused isn't worth a handshake, and plain text would only confuse it.
        if (!wanted) {
            ++shared_->counters.connections_refused;
            co_return false;
        }
        const bool started = co_await start_tls();
        if (!started) {
            co_return false;
        }
    }
    if (!wanted) {
        co_return true;
    }
    bool early = false;
    if (kind_ == Kind::Exchange && shared_->greeting_wait.count() > 0) {
        // RFC 5321 §3.1: the client waits for the greeting. Programs that only pour out spam don't.
        co_await net::sleep_for(stream_->executor(), shared_->greeting_wait);
        early = stream_->input_waiting();
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
        Smtp::Action action = smtp_.next();
        note_refusals();
        if (std::holds_alternative<Smtp::Close>(action)) {
            // The last reply must reach who is still sending.
            co_await stream_->linger(kLinger);
            co_return;
        }
        const bool goes_on = co_await perform(std::move(action));
        if (!goes_on) {
            co_return;
        }
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
    std::string buffer(data ? kReadData : kReadIdle, '\0');
    stream_->expires_after(data ? kDataTimeout : settings_->config.mail.command_timeout);
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
    smtp_.receive(std::string_view(buffer).substr(0, *got));
    co_return true;
}

net::Task<bool> Session::start_tls() {
    auto context = shared_->tls.get();
    if (!context) {
        co_return false;
    }
    stream_->expires_after(kHandshakeTimeout);
    const Status started = co_await stream_->start_tls_server(std::move(context));
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
    if (line_ && line_->certainty == line::Certainty::Subscriber) {
        out.line = line_->line;
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
        if (account_) {
            tell_warden(account_->login, account_->line, seen_here(conduct::Seen::What::NotTaken));
        }
    }
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
}

// What the session refused by itself: malformed commands, no login, too big, bare LF, ...
void Session::note_refusals() {
    for (Smtp::Refusal& refusal : smtp_.take_refusals()) {
        shared_->counters.refuse(refusal.reply.code);
        event::Event refused = event(event::Kind::Refused);
        refused.detail = refusal.command + ": " + refusal.reply.text();
        log::info(
            "MAIL_REFUSED",
            refused.detail,
            {{"service", service(kind_)},
             {"peer", refused.address},
             {"account", refused.account},
             {"sender", refused.sender}}
        );
        shared_->journal.append(std::move(refused));
    }
}

net::Task<void> run_session(
    std::shared_ptr<Shared> shared, Kind kind, std::unique_ptr<net::Stream> stream
) {
    const auto session =
        std::make_unique<Session>(std::move(shared), kind, std::shared_ptr(std::move(stream)));
    co_await session->run();
}

}  // namespace sekisho::mail
