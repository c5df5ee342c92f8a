#include "smtp/client_session.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "smtp/command.h"
#include "smtp/reply.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::smtp {

std::string_view name(Stage stage) {
    switch (stage) {
        case Stage::Connect:
            return "connect";
        case Stage::Greeting:
            return "greeting";
        case Stage::Hello:
            return "EHLO";
        case Stage::StartTls:
            return "STARTTLS";
        case Stage::Auth:
            return "AUTH";
        case Stage::Mail:
            return "MAIL";
        case Stage::Rcpt:
            return "RCPT";
        case Stage::Data:
            return "DATA";
        case Stage::EndOfData:
            return "end of data";
    }
    return "?";
}

ClientSession::ClientSession(ClientOptions options)
    : options_(std::move(options)), tls_(options_.tls_running) {
    awaited_.push_back(Await::Greeting);
    phase_ = Phase::Handshake;
}

Duration ClientSession::reply_timeout() const {
    using std::chrono::minutes;
    if (awaited_.empty()) {
        return minutes(3);  // RFC 5321 §4.5.3.2.5: a block of data
    }
    switch (awaited_.front()) {
        case Await::DataGo:
            return minutes(2);  // RFC 5321 §4.5.3.2.4
        case Await::DataEnd:
            return minutes(10);  // RFC 5321 §4.5.3.2.6
        case Await::Quit:
        case Await::Rset:
            return std::chrono::seconds(10);  // nothing depends on it
        default:
            return minutes(5);  // RFC 5321 §4.5.3.2.1 to §4.5.3.2.3
    }
}

ClientSession::Action ClientSession::next() {
    if (body_on_ && out_.empty()) {
        send_body();
    }
    if (!out_.empty()) {
        return Send{std::exchange(out_, {})};
    }
    if (finished_) {
        Finished done{std::move(*finished_)};
        finished_.reset();
        return done;
    }
    if (phase_ == Phase::Closed) {
        return Close{};
    }
    if (start_tls_) {
        return StartTls{};
    }
    if (login_) {
        return *login_;
    }
    return phase_ == Phase::Ready && awaited_.empty() ? Action(Ready{}) : Action(Read{});
}

void ClientSession::receive(std::string_view bytes) {
    if (phase_ == Phase::Closed) {
        return;
    }
    replies_.receive(bytes);
    while (phase_ != Phase::Closed) {
        const auto next = replies_.next();
        if (!next) {
            fail_session(stage_, reply(451, "4.5.0", next.error().message), true);
            return;
        }
        if (!*next) {
            return;
        }
        if (login_) {
            fail_session(
                Stage::Auth, reply(451, "4.5.0", "Unexpected reply: " + (*next)->text()), true
            );
            return;
        }
        if (start_tls_) {
            // A reply behind that of STARTTLS was put there by somebody else (RFC 3207 §4.2).
            fail_session(
                Stage::StartTls, reply(451, "4.7.0", "Bytes came in plain after STARTTLS"), true
            );
            return;
        }
        take(**next);
    }
}

void ClientSession::take(const Reply& reply) {
    // 421 may come at any time (RFC 5321 §3.8), and some servers refuse in the middle of the data.
    if (reply.code == 421 || (body_on_ && !reply.positive())) {
        fail_session(stage_, reply, false);
        return;
    }
    if (awaited_.empty()) {
        fail_session(stage_, smtp::reply(451, "4.5.0", "Unexpected reply: " + reply.text()), true);
        return;
    }
    const Await what = awaited_.front();
    awaited_.pop_front();
    switch (what) {
        case Await::Greeting:
            return take_greeting(reply);
        case Await::Ehlo:
            return take_hello(reply, true);
        case Await::Helo:
            return take_hello(reply, false);
        case Await::StartTls:
            return take_start_tls(reply);
        case Await::Auth:
            return take_auth(reply);
        case Await::Mail:
            return take_mail(reply);
        case Await::Rcpt:
            return take_rcpt(reply);
        case Await::DataGo:
            return take_data_go(reply);
        case Await::DataEnd:
            return take_data_end(reply);
        case Await::Rset:
            if (reply.code != 250) {
                phase_ = Phase::Closed;
                return;
            }
            return ready();
        case Await::Quit:
            phase_ = Phase::Closed;
            return;
        case Await::Nothing:
            return;
    }
}

void ClientSession::command(std::string line, Await reply) {
    out_ += line;
    out_ += "\r\n";
    awaited_.push_back(reply);
}

void ClientSession::take_greeting(const Reply& reply) {
    if (reply.code != 220) {
        // RFC 5321 §3.1: 554 and others; the host takes no mail now, another host may.
        fail_session(Stage::Greeting, reply, false);
        return;
    }
    greeting_ = reply.text();
    hello();
}

void ClientSession::hello() {
    stage_ = Stage::Hello;
    offered_ = {};
    command((options_.lmtp ? "LHLO " : "EHLO ") + options_.hostname, Await::Ehlo);
}

void ClientSession::take_hello(const Reply& reply, bool extended) {
    if (!reply.positive()) {
        // RFC 5321 §3.2: a server that doesn't know EHLO is spoken to with HELO. Not inside TLS or
        // LMTP, which it could not speak either.
        if (extended && reply.permanent() && !options_.lmtp && !tls_) {
            command("HELO " + options_.hostname, Await::Helo);
            return;
        }
        fail_session(Stage::Hello, reply, false);
        return;
    }
    if (extended) {
        read_offers(reply);
    }
    if (!tls_ && options_.tls != ClientOptions::Tls::Never) {
        if (offered_.starttls) {
            stage_ = Stage::StartTls;
            command("STARTTLS", Await::StartTls);
            return;
        }
        if (options_.tls == ClientOptions::Tls::Required) {
            fail_session(
                Stage::StartTls,
                smtp::reply(450, "4.7.10", "The server does not offer STARTTLS, which is required"),
                true
            );
            return;
        }
    }
    settled_tls();
}

// Nothing more is to be had of TLS: log in, if that is wanted.
void ClientSession::settled_tls() {
    if (!options_.login) {
        ready();
        return;
    }
    stage_ = Stage::Auth;
    if (!tls_ && !options_.login_in_plain) {
        fail_session(
            Stage::Auth,
            smtp::reply(450, "4.7.0", "There is no TLS, and the login is not sent without it"),
            true
        );
    } else if (offered_.mechanisms.empty()) {
        fail_session(
            Stage::Auth,
            smtp::reply(450, "4.7.0", "The server does not offer AUTH, which is configured"),
            true
        );
    } else {
        login_ = Login{};
    }
}

void ClientSession::read_offers(const Reply& reply) {
    for (std::size_t i = 1; i < reply.lines.size(); ++i) {
        const auto words = split(trim(reply.lines[i]), ' ');
        const std::string keyword = to_upper(words.front());
        offered_.pipelining |= keyword == "PIPELINING";
        offered_.eightbit |= keyword == "8BITMIME";
        offered_.smtputf8 |= keyword == "SMTPUTF8";
        offered_.dsn |= keyword == "DSN";
        offered_.starttls |= keyword == "STARTTLS";
        offered_.chunking |= keyword == "CHUNKING";
        offered_.binarymime |= keyword == "BINARYMIME";
        offered_.require_tls |= keyword == "REQUIRETLS";
        offered_.priority |= keyword == "MT-PRIORITY";
        if (keyword == "DELIVERBY") {
            offered_.deliver_by = true;
            if (words.size() > 1) {
                const std::string_view number = words[1];
                const char* const end = number.data() + number.size();
                std::from_chars(number.data(), end, offered_.deliver_by_min);
            }
        }
        if (keyword == "AUTH") {
            offered_.mechanisms.assign(words.begin() + 1, words.end());
        }
        if (keyword == "SIZE") {
            offered_.size = true;
            if (words.size() > 1) {
                const std::string_view number = words[1];
                std::from_chars(number.data(), number.data() + number.size(), offered_.size_max);
            }
        }
    }
}

void ClientSession::take_start_tls(const Reply& reply) {
    if (reply.code == 220) {
        start_tls_ = true;
        return;
    }
    if (options_.tls == ClientOptions::Tls::Required) {
        fail_session(
            Stage::StartTls,
            smtp::reply(450, "4.7.10", "STARTTLS was refused: " + reply.text()),
            true
        );
        return;
    }
    settled_tls();
}

void ClientSession::tls_started(bool ok, std::string_view why) {
    SEKISHO_ASSERT(start_tls_);
    start_tls_ = false;
    if (!ok || !replies_.empty()) {
        std::string text = ok ? "Bytes came in plain after STARTTLS"
                              : fmt::format("TLS handshake failed: {}", why);
        fail_session(Stage::StartTls, reply(454, "4.7.5", std::move(text)), true);
        return;
    }
    tls_ = true;
    replies_.clear();
    hello();
}

void ClientSession::ready() {
    phase_ = Phase::Ready;
    if (message_) {
        begin();
    } else if (quit_wanted_) {
        quit_wanted_ = false;
        command("QUIT", Await::Quit);
        phase_ = Phase::Handshake;
    }
}

void ClientSession::deliver(OutgoingMessage message) {
    SEKISHO_ASSERT(!message_ && !finished_ && message.bytes && !message.recipients.empty());
    message_ = std::move(message);
    outcomes_.assign(message_->recipients.size(), std::nullopt);
    accepted_.clear();
    rcpt_next_ = data_next_ = 0;
    mail_refused_ = false;
    if (phase_ == Phase::Closed) {
        const Reply gone = reply(451, "4.4.2", "The connection is closed");
        settle_open(stage_, failure_.value_or(gone), true);
        message_done(false);
    } else if (phase_ == Phase::Ready && awaited_.empty()) {
        begin();
    }
}

void ClientSession::quit() {
    quit_wanted_ = true;
    if (phase_ == Phase::Ready && awaited_.empty()) {
        ready();
    }
}

void ClientSession::lost(std::string_view why) {
    if (phase_ != Phase::Closed) {
        fail_session(stage_, reply(451, "4.4.2", fmt::format("Connection lost: {}", why)), true);
    }
}

void ClientSession::fail_session(Stage stage, Reply reply, bool local) {
    stage_ = stage;
    out_.clear();
    awaited_.clear();
    body_on_ = false;
    start_tls_ = false;
    login_.reset();
    phase_ = Phase::Closed;
    failure_ = std::move(reply);
    if (message_) {
        settle_open(stage, *failure_, local);
        message_done(false);
    }
}

}  // namespace sekisho::smtp
