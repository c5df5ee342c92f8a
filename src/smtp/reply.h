// An SMTP reply as a value, its bytes, and the reader for replies of other servers. Pure.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::smtp {

struct Reply {
    int code = 0;          // 200 to 599
    std::string enhanced;  // "5.1.1" (RFC 3463), or empty where none belongs (greeting, EHLO, 334)
    std::vector<std::string>
        lines;  // texts; one reply line each (longer ones are cut into several)

    [[nodiscard]] bool positive() const { return code >= 200 && code < 400; }
    [[nodiscard]] bool temporary() const { return code >= 400 && code < 500; }
    [[nodiscard]] bool permanent() const { return code >= 500; }
    // As sent: every line with the code and, when there is one, the enhanced code (RFC 2034 §4).
    // Control bytes in a text are escaped, so a reply can't be split by what a peer said.
    [[nodiscard]] std::string to_bytes() const;
    // One line for logs, events and DSNs: "550 5.1.1 No such user here".
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Reply&, const Reply&) = default;
};

[[nodiscard]] Reply reply(int code, std::string enhanced, std::string text);

// Whether `text` is class "." subject "." detail with class 2, 4 or 5 (RFC 3463 §2).
[[nodiscard]] bool is_enhanced_code(std::string_view text);

// Reads replies of a server from a byte stream. A reply that can't be one is an error; the
// connection is of no more use then.
class ReplyReader {
  public:
    static constexpr std::size_t kLineMax = 4096;  // RFC 5321 §4.5.3.1.5 says 512; be generous
    static constexpr std::size_t kLinesMax = 256;

    // Adds bytes that have come.
    void receive(std::string_view bytes) { input_ += bytes; }
    // The next whole reply; nullopt: more bytes are needed. Invalid: not an SMTP reply.
    [[nodiscard]] Result<std::optional<Reply>> next();
    [[nodiscard]] bool empty() const { return input_.empty() && !partial_; }
    // Drops everything read so far (RFC 3207 §4.2: nothing from before TLS counts).
    void clear();

  private:
    [[nodiscard]] Result<bool> take_line(std::string_view line);

    std::string input_;
    std::optional<Reply> partial_;
};

}  // namespace sekisho::smtp
