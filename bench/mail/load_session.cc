#include "bench/mail/load_session.h"

#include "base/bytes.h"
#include "bench/mail/load.h"
#include "bench/mail/loop.h"
#include "bench/mail/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::bench {
namespace {

float milliseconds_since(Clock::time_point then) {
    return std::chrono::duration<float, std::milli>(Clock::now() - then).count();
}

constexpr auto kPause = std::chrono::milliseconds(100);

}  // namespace

void LoadSession::open() {
    const LoadOptions& options = run_.options();
    account_ = (static_cast<std::uint32_t>(number_) +
                opened_++ * static_cast<std::uint32_t>(options.connections)) %
               static_cast<std::uint32_t>(options.accounts);
    began_ = Clock::now();
    secured_ = false;
    sent_here_ = 0;
    ++tally_.connections;
    try {
        const int source = options.sources > 1 ? 1 + number_ % options.sources : 0;
        wire_.emplace(connect_to(options.host, options.port, source));
    } catch (const std::exception& error) {
        failed(error.what());
        return;
    }
    writing_ = false;
    loop_.watch(wire_->fd(), static_cast<Loop::Key>(number_));
    state_ = State::Greeting;
    if (options.tls == TlsMode::Implicit) {
        wire_->start_tls(context_, options.resume ? TlsSide::ClientResuming : TlsSide::Client);
        state_ = State::Shaking;
    }
    ready();
}

void LoadSession::ready() {
    if (!wire_) {
        return;
    }
    bool again = true;
    while (again) {
        const State before = state_;
        if (!wire_->pump()) {
            failed(
                state_ == State::Shaking ? "the TLS handshake failed" : "the connection was lost"
            );
            return;
        }
        if (state_ == State::Shaking && !wire_->handshaking()) {
            shaken();
        }
        read_replies();
        const bool begins_tls = state_ == State::Shaking && before != State::Shaking;
        again = wire_ && (wire_->more_to_read() || begins_tls);
    }
    if (!wire_) {
        return;
    }
    if (!wire_->flush()) {
        failed("the connection was lost");
        return;
    }
    if (wire_->wants_write() != writing_) {
        writing_ = !writing_;
        loop_.watch_writing(wire_->fd(), static_cast<Loop::Key>(number_), writing_);
    }
}

void LoadSession::read_replies() {
    std::size_t at = 0;
    while (wire_ && state_ != State::Shaking) {
        const std::string& input = wire_->input();
        const auto end = input.find("\r\n", at);
        if (end == std::string::npos) {
            break;
        }
        const std::string line = input.substr(at, end - at);
        at = end + 2;
        int code = 0;
        std::from_chars(line.data(), line.data() + line.size(), code);
        if (line.size() < 4 || line[3] != '-') {
            answer(code, line);
        }
    }
    if (wire_ && !wire_->input().empty()) {
        // Bytes before STARTTLS's handshake are gone already (start_tls).
        wire_->input().erase(0, std::min(at, wire_->input().size()));
        if (wire_->input().empty() && run_.options().idle) {
            wire_->input() = std::string();
        }
    }
}

void LoadSession::answer(int code, std::string_view line) {
    const auto wants = [&](int expected) {
        if (code != expected) {
            failed(std::string(line));
        }
        return code == expected;
    };
    switch (state_) {
        case State::Greeting:
            if (wants(220)) {
                state_ = State::Hello;
                wire_->send("EHLO bench.example\r\n");
            }
            return;
        case State::Hello:
            if (wants(250)) {
                hello_answered();
            }
            return;
        case State::StartTls:
            if (wants(220)) {
                wire_->start_tls(
                    context_, run_.options().resume ? TlsSide::ClientResuming : TlsSide::Client
                );
                state_ = State::Shaking;  // ready() goes on with it
            }
            return;
        case State::Auth:
            if (wants(235)) {
                stand();
            }
            return;
        case State::Message:
            step_answered(code, line);
            return;
        case State::Standing:
            failed(std::string(line));
            return;
        case State::Quit:
            end_connection();
            return;
        case State::Closed:
        case State::Pause:
        case State::Shaking:
            return;
    }
}

void LoadSession::shaken() {
    tally_.resumed += wire_->resumed() ? 1 : 0;
    secured_ = true;
    if (run_.options().tls == TlsMode::Implicit) {
        state_ = State::Greeting;
        return;
    }
    state_ = State::Hello;
    wire_->send("EHLO bench.example\r\n");
}

void LoadSession::hello_answered() {
    const LoadOptions& options = run_.options();
    if (options.tls == TlsMode::StartTls && !secured_) {
        state_ = State::StartTls;
        wire_->send("STARTTLS\r\n");
    } else if (!options.user.empty()) {
        state_ = State::Auth;
        std::string secret(1, '\0');
        secret += numbered(options.user, account_);
        secret += '\0';
        secret += options.password;
        wire_->send(fmt::format("AUTH PLAIN {}\r\n", base64(secret)));
    } else {
        stand();
    }
}

void LoadSession::stand() {
    state_ = State::Standing;
    tally_.set_up.push_back(milliseconds_since(began_));
    run_.set_up(true);
    if (run_.options().idle) {
        run_.stands();
    } else {
        next_message();
    }
}

void LoadSession::next_message() {
    if (!message_) {
        message_ = run_.take();
    }
    if (!message_) {
        quit();
        return;
    }
    state_ = State::Standing;
    if (message_->due > Clock::now()) {
        loop_.at(message_->due, static_cast<Loop::Key>(number_));
    } else {
        begin_message();
    }
}

void LoadSession::due() {
    if (state_ == State::Pause) {
        open();
    } else if (state_ == State::Standing && message_ && message_->due <= Clock::now()) {
        begin_message();
        ready();
    }
}

void LoadSession::begin_message() {
    const LoadOptions& options = run_.options();
    const auto destination = message_->number % static_cast<std::uint32_t>(options.destinations);
    header_ = run_.header(
        message_->number, numbered(options.from, account_), numbered(options.to, destination)
    );
    steps_ = options.chunking ? std::vector{Step::Mail, Step::Rcpt, Step::Chunk}
                              : std::vector{Step::Mail, Step::Rcpt, Step::Data, Step::Body};
    sent_steps_ = 0;
    answered_steps_ = 0;
    state_ = State::Message;
    ++tally_.sent;
    ++sent_here_;
    if (options.rate <= 0) {
        message_->due = Clock::now();
    }
    advance();
}

void LoadSession::advance() {
    while (sent_steps_ < steps_.size()) {
        // The message itself waits for 354, and without PIPELINING all wait for the answer before.
        const bool waits = !run_.options().pipelining || steps_[sent_steps_] == Step::Body;
        if (waits && answered_steps_ < sent_steps_) {
            return;
        }
        send_step(steps_[sent_steps_++]);
    }
}

void LoadSession::send_step(Step step) {
    const LoadOptions& options = run_.options();
    switch (step) {
        case Step::Mail:
            wire_->send(fmt::format("MAIL FROM:<{}>\r\n", numbered(options.from, account_)));
            return;
        case Step::Rcpt: {
            const auto destination =
                message_->number % static_cast<std::uint32_t>(options.destinations);
            wire_->send(fmt::format("RCPT TO:<{}>\r\n", numbered(options.to, destination)));
            return;
        }
        case Step::Data:
            wire_->send("DATA\r\n");
            return;
        case Step::Chunk:
            wire_->send(fmt::format("BDAT {} LAST\r\n", header_.size() + run_.body().size()));
            wire_->send(header_);
            wire_->send_shared(run_.body());
            return;
        case Step::Body:
            wire_->send(header_);
            wire_->send_shared(run_.body());
            wire_->send(".\r\n");
            return;
    }
}

void LoadSession::step_answered(int code, std::string_view line) {
    if (answered_steps_ >= sent_steps_) {
        failed(std::string(line));
        return;
    }
    const Step step = steps_[answered_steps_++];
    if (code != (step == Step::Data ? 354 : 250)) {
        tally_.trouble(tally_.refused, std::string(line));
        message_.reset();
        // Answers to what was pipelined may be under way still: a new connection is the clean way
        // on.
        quit();
        return;
    }
    if (answered_steps_ == steps_.size()) {
        message_done();
    } else {
        advance();
    }
}

void LoadSession::message_done() {
    ++tally_.acknowledged;
    tally_.latency.push_back(milliseconds_since(message_->due));
    tally_.ids.add(run_.options().run, message_->number);
    tally_.last = Clock::now();
    message_.reset();
    if (sent_here_ >= run_.options().per_connection) {
        quit();
    } else {
        next_message();
    }
}

void LoadSession::leave() {
    if (state_ == State::Standing || state_ == State::Message) {
        quit();
        ready();
    } else if (state_ == State::Pause) {
        state_ = State::Closed;
    }
}

void LoadSession::quit() {
    state_ = State::Quit;
    wire_->send("QUIT\r\n");
}

void LoadSession::failed(std::string what) {
    if (state_ == State::Quit) {
        end_connection();  // some close without waiting for QUIT
        return;
    }
    tally_.trouble(tally_.errors, std::move(what));
    if (state_ == State::Message) {
        message_.reset();  // nobody knows whether the server has it
    } else if (state_ < State::Standing) {
        run_.set_up(false);
    }
    wire_.reset();
    if (run_.options().idle || run_.stopped()) {
        run_.stands();
        state_ = State::Closed;
        return;
    }
    state_ = State::Pause;
    loop_.at(Clock::now() + kPause, static_cast<Loop::Key>(number_));
}

void LoadSession::end_connection() {
    if (wire_) {
        wire_->close();
        wire_.reset();
    }
    state_ = State::Closed;
    if (run_.options().idle) {
        return;
    }
    if (!message_) {
        message_ = run_.take();
    }
    if (message_) {
        // From the loop: a reply of this connection may be in hand still.
        state_ = State::Pause;
        loop_.at(Clock::now(), static_cast<Loop::Key>(number_));
    }
}

}  // namespace sekisho::bench
