#include "smtp/data.h"

#include "smtp/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::smtp {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101U;
constexpr std::uint64_t kHighs = 0x8080808080808080U;

// A high bit where an octet of `word` is 0; above the first one there may be more.
constexpr std::uint64_t zeros(std::uint64_t word) {
    return (word - kOnes) & ~word & kHighs;
}

bool is_plain(char c) {
    return c != '\r' && c != '\n' && c != '\0';
}

// The length of the run at the start that has no CR, LF or NUL. Eight octets at a time: all of
// every message passes here.
std::size_t plain_run(std::string_view bytes) {
    std::size_t at = 0;
    for (std::uint64_t word = 0; at + sizeof word <= bytes.size(); at += sizeof word) {
        std::memcpy(&word, bytes.data() + at, sizeof word);
        constexpr std::uint64_t crs = kOnes * '\r';
        constexpr std::uint64_t lfs = kOnes * '\n';
        if ((zeros(word) | zeros(word ^ crs) | zeros(word ^ lfs)) != 0) {
            break;
        }
    }
    while (at < bytes.size() && is_plain(bytes[at])) {
        ++at;
    }
    return at;
}

Reply bad_octet(char c) {
    // RFC 5321 §2.3.8: CR and LF only as CRLF. A receiver that took one for a line end would let
    // others hide a second message in the first.
    if (c == '\0') {
        return reply(550, "5.6.0", "Message refused: it contains a NUL octet");
    }
    return reply(
        550,
        std::string(kBareNewlineStatus),
        c == '\r' ? "Message refused: it contains a bare CR; lines must end with CRLF"
                  : "Message refused: it contains a bare LF; lines must end with CRLF"
    );
}

Reply too_big(const DataLimits& limits) {
    return reply(552, "5.3.4", fmt::format("Message too big: at most {} octets", limits.size_max));
}

}  // namespace

void MessageCollector::refuse(Reply why) {
    if (!refused_) {
        refused_ = std::move(why);
        std::string().swap(message_);
    }
}

void MessageCollector::add(std::string_view text) {
    // Which limit comes first must not depend on how the bytes were cut, so ask how far each is.
    const std::uint64_t size_room = limits_.size_max - std::min(size_, limits_.size_max);
    const std::size_t line_used = std::min(line_ + 2, limits_.line_max);  // 2: the CRLF to come
    const std::size_t line_room = limits_.line_max - line_used;
    size_ += text.size();
    line_ += text.size();
    if (text.size() > size_room && size_room <= line_room) {
        refuse(too_big(limits_));
    } else if (text.size() > line_room) {
        refuse(reply(
            550,
            "5.6.0",
            fmt::format("Message refused: a line is longer than {} octets", limits_.line_max)
        ));
    } else if (!refused_) {
        message_ += text;
    }
}

void MessageCollector::add_line_end() {
    size_ += 2;
    line_ = 0;
    if (size_ > limits_.size_max) {
        refuse(too_big(limits_));
    } else if (!refused_) {
        message_ += "\r\n";
    }
}

void MessageCollector::add_bad(char c) {
    refuse(bad_octet(c));
    ++size_;
    ++line_;
}

void MessageCollector::add_raw(std::string_view octets) {
    size_ += octets.size();
    if (size_ > limits_.size_max) {
        refuse(too_big(limits_));
    } else if (!refused_) {
        message_ += octets;
    }
}

std::size_t DataReader::receive(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size() && state_ != State::Done) {
        const bool text = state_ == State::Text || (state_ == State::LineStart && bytes[at] != '.');
        if (text) {
            const std::size_t run = plain_run(bytes.substr(at));
            if (run > 0) {
                message_.add(bytes.substr(at, run));
                at += run;
                state_ = State::Text;
                continue;
            }
        }
        special(bytes[at]);
        ++at;
    }
    return at;
}

// One octet in any state; runs of text are taken by receive().
void DataReader::special(char c) {
    switch (state_) {
        case State::Done:
            return;
        case State::LineStart:
            state_ = State::Text;
            if (c == '.') {
                state_ = State::Dot;
                return;
            }
            break;
        case State::Dot:
            // The first dot of a longer line is not part of it (RFC 5321 §4.5.2).
            if (c == '\r') {
                state_ = State::DotCr;
                return;
            }
            state_ = State::Text;
            break;
        case State::DotCr:
            if (c == '\n') {
                state_ = State::Done;
                return;
            }
            message_.add_bad('\r');
            state_ = State::Text;
            break;
        case State::Cr:
            if (c == '\n') {
                message_.add_line_end();
                state_ = State::LineStart;
                return;
            }
            message_.add_bad('\r');
            state_ = State::Text;
            break;
        case State::Text:
            break;
    }
    if (c == '\r') {
        state_ = State::Cr;
    } else if (c == '\n' || c == '\0') {
        message_.add_bad(c);
    } else {
        message_.add(std::string_view(&c, 1));
    }
}

void ChunkReader::receive(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        if (body_) {
            message_.add_raw(bytes.substr(at));
            return;
        }
        const char c = bytes[at];
        if (cr_) {
            cr_ = false;
            if (c == '\n') {
                body_ = binary_ && message_.line_empty();  // the empty line behind the header
                message_.add_line_end();
                line_start_ = true;
                ++at;
                continue;
            }
            message_.add_bad('\r');
        }
        line_start_ = false;
        const std::size_t run = plain_run(bytes.substr(at));
        if (run > 0) {
            message_.add(bytes.substr(at, run));
            at += run;
            continue;
        }
        if (c == '\r') {
            cr_ = true;
        } else {
            message_.add_bad(c);
        }
        ++at;
    }
}

void ChunkReader::finish() {
    if (cr_) {
        cr_ = false;
        message_.add_bad('\r');
    }
    if (!line_start_ && !body_) {
        message_.add_line_end();
        line_start_ = true;
    }
}

std::string DotStuffer::next(std::string_view message, std::size_t piece) {
    std::string out;
    if (done_) {
        return out;
    }
    out.reserve(piece + 16);
    while (at_ < message.size() && out.size() < piece) {
        if (line_start_ && message[at_] == '.') {
            out.push_back('.');
        }
        const std::size_t end = message.find_first_of("\r\n", at_);
        const std::size_t room = piece - out.size() + 1;
        if (end == std::string_view::npos || end - at_ > room) {
            const std::string_view part = message.substr(at_, room);
            out += part;
            at_ += part.size();
            line_start_ = line_start_ && part.empty();
            continue;
        }
        out += message.substr(at_, end - at_);
        out += "\r\n";
        at_ = end + (message.substr(end, 2) == "\r\n" ? 2 : 1);
        line_start_ = true;
    }
    if (at_ >= message.size()) {
        out += line_start_ ? ".\r\n" : "\r\n.\r\n";
        done_ = true;
    }
    return out;
}

}  // namespace sekisho::smtp
