#include "bench/mail/sink_session.h"

#include "base/bytes.h"
#include "bench/mail/loop.h"
#include "bench/mail/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace sekisho::bench {
namespace {

constexpr std::size_t kMostHeader = std::size_t{64} * 1024;
constexpr std::string_view kEnd = "\r\n.\r\n";
constexpr std::string_view kIdField = "x-bench-id:";

// The value of X-Bench-Id in `header`; empty without one.
std::string id_in(std::string_view header) {
    for (std::string_view line : split(header, '\n')) {
        if (line.size() > kIdField.size() && iequals(line.substr(0, kIdField.size()), kIdField)) {
            return std::string(trim(line.substr(kIdField.size())));
        }
    }
    return "";
}

bool begins(std::string_view line, std::string_view verb) {
    return line.size() >= verb.size() && iequals(line.substr(0, verb.size()), verb);
}

template <class Time>
void widen(std::optional<Time>& mine, const std::optional<Time>& other, bool to_less) {
    if (other && (!mine || (to_less ? *other < *mine : *other > *mine))) {
        mine = other;
    }
}

}  // namespace

void SinkTally::merge(const SinkTally& other) {
    received += other.received;
    failed += other.failed;
    nameless += other.nameless;
    connections += other.connections;
    octets += other.octets;
    widen(first, other.first, true);
    widen(last, other.last, false);
    ids.merge(other.ids);
}

void MessageReader::forget() {
    *this = MessageReader();
}

void MessageReader::begin_data() {
    forget();
    reading_ = true;
    last_ = true;
    at_start_ = true;
}

void MessageReader::begin_chunk(std::size_t size, bool last) {
    reading_ = true;
    last_ = last;
    left_ = size;
}

void MessageReader::look(std::string_view text) {
    octets_ += text.size();
    if (header_done_) {
        return;
    }
    header_ += text.substr(0, kMostHeader);
    const auto end = header_.find("\r\n\r\n");
    if (end != std::string::npos || header_.size() >= kMostHeader) {
        id_ = id_in(std::string_view(header_).substr(0, end));
        header_done_ = true;
        header_ = std::string();
    }
}

bool MessageReader::take(std::string& input) {
    if (left_) {
        const std::size_t size = std::min(*left_, input.size());
        look(std::string_view(input).substr(0, size));
        input.erase(0, size);
        *left_ -= size;
        reading_ = *left_ > 0;
        return !reading_;
    }
    if (at_start_ && input.size() >= 3) {
        at_start_ = false;
        if (input.starts_with(".\r\n")) {
            input.erase(0, 3);
            reading_ = false;
            return true;
        }
    }
    if (const auto end = input.find(kEnd); end != std::string::npos) {
        look(std::string_view(input).substr(0, end + 2));
        input.erase(0, end + kEnd.size());
        reading_ = false;
        return true;
    }
    // The end may have come in part.
    if (!at_start_ && input.size() >= kEnd.size()) {
        const std::size_t size = input.size() - (kEnd.size() - 1);
        look(std::string_view(input).substr(0, size));
        input.erase(0, size);
    }
    return false;
}

SinkSession::SinkSession(
    const SinkOptions& options,
    Loop& loop,
    SinkTally& tally,
    SSL_CTX* context,
    UniqueFd fd,
    Loop::Key key
)
    : options_(options),
      loop_(loop),
      tally_(tally),
      context_(context),
      wire_(std::move(fd)),
      key_(key) {
    ++tally_.connections;
    if (options_.implicit) {
        secured_ = true;
        wire_.start_tls(context_, TlsSide::Server);
    }
    say("220 sink.example ESMTP\r\n");
}

bool SinkSession::settle(bool alive) {
    if (!alive || !wire_.flush() || (ended_ && late_.empty() && !wire_.wants_write())) {
        wire_.close();
        return false;
    }
    if (wire_.wants_write() != writing_) {
        writing_ = !writing_;
        loop_.watch_writing(wire_.fd(), key_, writing_);
    }
    return true;
}

bool SinkSession::ready() {
    bool alive = true;
    do {
        alive = wire_.pump();
        work();
    } while (alive && wire_.more_to_read());
    return settle(alive);
}

bool SinkSession::due() {
    if (late_.empty() || late_at_ > Clock::now()) {
        return true;
    }
    wire_.send(std::exchange(late_, {}));
    work();
    return settle(true);
}

void SinkSession::say(std::string_view reply, std::chrono::milliseconds extra) {
    const auto wait = options_.tarpit + extra;
    if (wait.count() == 0) {
        wire_.send(reply);
        return;
    }
    late_ = reply;
    late_at_ = Clock::now() + wait;
    loop_.at(late_at_, key_);
}

void SinkSession::work() {
    std::string& input = wire_.input();
    while (late_.empty() && !ended_ && !input.empty()) {
        if (message_.reading()) {
            if (!message_.take(input)) {
                return;
            }
            data_ended();
            continue;
        }
        const auto end = input.find("\r\n");
        if (end == std::string::npos) {
            ended_ = input.size() > 4096;
            return;
        }
        const std::string line = input.substr(0, end);
        input.erase(0, end + 2);
        command(line);
        if (starting_tls_) {
            starting_tls_ = false;
            wire_.flush();
            wire_.start_tls(context_, TlsSide::Server);
            return;
        }
    }
}

void SinkSession::hello() {
    std::string reply = "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n";
    reply += "250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n";
    if (options_.tls && !secured_) {
        reply += "250-STARTTLS\r\n";
    }
    if (options_.auth) {
        reply += "250-AUTH PLAIN\r\n";
    }
    say(reply + "250 SIZE 1073741824\r\n");
}

void SinkSession::command(std::string_view line) {
    if (std::exchange(auth_asked_, false)) {
        say("235 2.7.0 Signed in\r\n");
    } else if (begins(line, "EHLO") || begins(line, "LHLO")) {
        lmtp_ = begins(line, "LHLO");
        hello();
    } else if (begins(line, "HELO")) {
        say("250 sink.example\r\n");
    } else if (begins(line, "STARTTLS") && options_.tls && !secured_) {
        wire_.send("220 2.0.0 Go on\r\n");
        starting_tls_ = true;
        secured_ = true;
    } else if (begins(line, "AUTH PLAIN")) {
        auth_asked_ = trim(line).size() == std::string_view("AUTH PLAIN").size();
        say(auth_asked_ ? "334 \r\n" : "235 2.7.0 Signed in\r\n");
    } else if (begins(line, "MAIL") || begins(line, "RCPT") || begins(line, "NOOP")) {
        recipients_ = begins(line, "MAIL") ? 0 : recipients_ + (begins(line, "RCPT") ? 1 : 0);
        say("250 2.0.0 Fine\r\n");
    } else if (begins(line, "RSET")) {
        message_.forget();
        say("250 2.0.0 Fine\r\n");
    } else if (begins(line, "DATA")) {
        message_.begin_data();
        say("354 Go on\r\n");
    } else if (begins(line, "BDAT")) {
        begin_chunk(line);
    } else if (begins(line, "QUIT")) {
        ended_ = true;
        say("221 2.0.0 Until next time\r\n");
    } else {
        say("502 5.5.1 Not known here\r\n");
    }
}

void SinkSession::begin_chunk(std::string_view line) {
    const auto words = split(line, ' ');
    std::size_t size = 0;
    const bool understood =
        words.size() >= 2 &&
        std::from_chars(words[1].data(), words[1].data() + words[1].size(), size).ec == std::errc();
    if (!understood) {
        // How much follows isn't known: the connection can't go on.
        ended_ = true;
        say("501 5.5.4 BDAT SIZE [LAST]\r\n");
        return;
    }
    message_.begin_chunk(size, words.size() > 2);
    if (size == 0) {
        std::string nothing;
        message_.take(nothing);
        data_ended();
    }
}

// Of all messages alike, by the count: 10 of 100 is each tenth.
bool SinkSession::fails() const {
    const auto number = tally_.received + tally_.failed;
    const auto percent = static_cast<std::uint64_t>(options_.fail_percent);
    return (number + 1) * percent / 100 != number * percent / 100;
}

void SinkSession::data_ended() {
    if (!message_.last_chunk()) {
        say("250 2.0.0 Fine\r\n");
        return;
    }
    std::string reply = "250 2.0.0 Taken\r\n";
    if (fails()) {
        ++tally_.failed;
        const int code = options_.fail_code;
        reply = fmt::format("{} {}.0.0 As was asked for\r\n", code, code / 100);
    } else {
        ++tally_.received;
        tally_.octets += message_.octets();
        if (!tally_.ids.add(message_.id())) {
            ++tally_.nameless;
        }
        tally_.last = Clock::now();
        tally_.first = tally_.first ? tally_.first : tally_.last;
    }
    message_.forget();
    // RFC 2033 §4.2: LMTP answers for each recipient.
    std::string replies = reply;
    for (std::size_t i = 1; lmtp_ && i < recipients_; ++i) {
        replies += reply;
    }
    say(replies, options_.delay);
}

}  // namespace sekisho::bench
