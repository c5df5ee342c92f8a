// What is said to a client that is not wanted: the reason instead of a greeting, and again for
// whatever it tries, until it quits. Pure: bytes in, bytes out.
#pragma once

#include "smtp/reply.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::gate {

class Dialogue {
  public:
    // `why`: the 554; its text is repeated.
    explicit Dialogue(smtp::Reply why) : why_(std::move(why)) {}

    // RFC 5321 §3.1: 554 instead of 220; the client is still to be waited for.
    [[nodiscard]] std::string greeting() const { return why_.to_bytes(); }
    // The replies to all whole lines that have come.
    [[nodiscard]] std::string receive(std::string_view bytes);
    // The last reply has been given out.
    [[nodiscard]] bool over() const { return over_; }

    static constexpr std::size_t kLineMax = 512;  // RFC 5321 §4.5.3.1.4
    static constexpr int kCommandsMax = 20;

  private:
    [[nodiscard]] smtp::Reply reply_to(std::string_view line);

    smtp::Reply why_;
    std::string input_;  // the line that is not whole yet
    int commands_ = 0;
    bool over_ = false;
};

}  // namespace sekisho::gate
