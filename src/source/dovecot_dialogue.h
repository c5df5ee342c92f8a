// Dovecot's authentication protocol, version 1, from the client's side, for one login. Pure: bytes
// of the server in, bytes to send out.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::source {

// What the server says, a line at a time, bounded in length and number.
class DovecotLines {
  public:
    void add(std::string_view bytes) { input_ += bytes; }
    // Without its end; none: more bytes are needed. Unavailable: it goes on without end.
    [[nodiscard]] Result<std::optional<std::string>> next();

  private:
    std::string input_;
    std::size_t taken_ = 0;
};

class DovecotDialogue {
  public:
    DovecotDialogue(std::string login, std::string password);
    DovecotDialogue(const DovecotDialogue&) = delete;
    DovecotDialogue& operator=(const DovecotDialogue&) = delete;
    ~DovecotDialogue();

    // What is to be sent now, then nothing until the server has said more.
    [[nodiscard]] std::string take_output();
    void receive(std::string_view bytes);
    // Whether it has ended, and how: the user's name as Dovecot has it, lower case. Denied: the
    // password is wrong or nobody has the name (Dovecot doesn't say which). Unavailable: a failure
    // that is only for now, or the server speaks another protocol.
    [[nodiscard]] const std::optional<Result<std::string>>& outcome() const { return outcome_; }

  private:
    void line(std::string_view text);
    void answer(bool good, std::string_view parameters);
    void end(Errc code, std::string why);

    std::string login_, password_;
    std::string output_;
    DovecotLines lines_;
    bool asked_ = false, plain_ = false;
    std::optional<Result<std::string>> outcome_;
};

// The same by the socket auth-userdb: whether there is such a user, without a password.
class DovecotLookup {
  public:
    explicit DovecotLookup(std::string user) : user_(std::move(user)) {}

    [[nodiscard]] std::string take_output();
    void receive(std::string_view bytes);
    // As it ended: the user's name as Dovecot has it, lower case. NotFound: nobody there.
    // Unavailable: it can't be said now, or the server speaks another protocol.
    [[nodiscard]] const std::optional<Result<std::string>>& outcome() const { return outcome_; }

  private:
    void line(std::string_view text);
    void end(Errc code, std::string why);

    std::string user_;
    DovecotLines lines_;
    bool asked_ = false;
    std::optional<Result<std::string>> outcome_;
};

}  // namespace sekisho::source
