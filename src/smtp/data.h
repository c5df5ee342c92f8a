// Reads message data: after DATA until CRLF.CRLF (RFC 5321 §4.5.2), and the chunks of BDAT (RFC
// 3030 §2). Pure.
//
// Invariants: only CR LF "." CR LF ends DATA, whatever else the bytes are; a message with a bare
// CR, a bare LF or NUL is refused as a whole and its bytes never become commands; how the bytes
// were cut into reads makes no difference.
#pragma once

#include "smtp/reply.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::smtp {

// Of the refusal of a message with a bare CR or LF (RFC 6152 registered it for such content).
inline constexpr std::string_view kBareNewlineStatus = "5.6.11";

struct DataLimits {
    std::uint64_t size_max = 50ULL * 1024 * 1024;  // octets of the message, unstuffed
    std::size_t line_max = 1000;  // octets of a line with CRLF, unstuffed (RFC 5321 §4.5.3.1.6)
};

// What both readers look at in the message's own octets. Collects them until something is wrong.
class MessageCollector {
  public:
    explicit MessageCollector(const DataLimits& limits) : limits_(limits) {}

    void add(std::string_view text);  // octets without CR, LF or NUL
    void add_line_end();
    void add_bad(char c);                   // a bare CR, a bare LF or a NUL
    void add_raw(std::string_view octets);  // any, not lines
    void refuse(Reply why);

    [[nodiscard]] const std::optional<Reply>& refused() const { return refused_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] bool line_empty() const { return line_ == 0; }
    [[nodiscard]] std::string take() { return std::move(message_); }

  private:
    DataLimits limits_;
    std::string message_;
    std::uint64_t size_ = 0;
    std::size_t line_ = 0;
    std::optional<Reply> refused_;
};

class DataReader {
  public:
    explicit DataReader(const DataLimits& limits) : message_(limits) {}

    // Takes bytes up to the end of the message; returns how many were taken. When done() they may
    // be fewer than given: the rest are commands.
    std::size_t receive(std::string_view bytes);
    [[nodiscard]] bool done() const { return state_ == State::Done; }
    // Why the message can't be accepted, if it can't. The rest is still read until the end.
    [[nodiscard]] const std::optional<Reply>& refused() const { return message_.refused(); }
    // Octets of the message so far, counted also when they are no longer kept.
    [[nodiscard]] std::uint64_t size() const { return message_.size(); }
    [[nodiscard]] std::string take_message() { return message_.take(); }

  private:
    enum class State : std::uint8_t { LineStart, Text, Cr, Dot, DotCr, Done };
    void special(char c);

    MessageCollector message_;
    State state_ = State::LineStart;
};

// The content of BDAT chunks; the caller counts chunk sizes. The message must be lines as in DATA;
// a last line without CRLF is given one (RFC 5321 §4.1.1.4 knows no other message). With BINARYMIME
// (RFC 3030 §3) only the header must be lines, and the body is kept octet by octet.
class ChunkReader {
  public:
    explicit ChunkReader(const DataLimits& limits, bool binary = false)
        : message_(limits), binary_(binary) {}

    void receive(std::string_view bytes);
    void finish();
    [[nodiscard]] const std::optional<Reply>& refused() const { return message_.refused(); }
    [[nodiscard]] std::uint64_t size() const { return message_.size(); }
    [[nodiscard]] std::string take_message() { return message_.take(); }

  private:
    MessageCollector message_;
    bool binary_;
    bool body_ = false;  // of a binary message: begun
    bool cr_ = false;
    bool line_start_ = true;
};

// The reverse way: lines for DATA, dots doubled, bare CR or LF made CRLF so that nothing can be
// smuggled through us, a line end added when missing. In pieces, so that a large message is not
// copied whole.
class DotStuffer {
  public:
    // The next piece of about `piece` octets; empty at the end. After the last piece of the message
    // comes ".CRLF".
    [[nodiscard]] std::string next(std::string_view message, std::size_t piece = 65536);
    [[nodiscard]] bool done() const { return done_; }

  private:
    std::size_t at_ = 0;
    bool line_start_ = true;
    bool done_ = false;
};

}  // namespace sekisho::smtp
