// One of the generator's connections: an SMTP client that connects again after so many messages.
#pragma once

#include "bench/mail/load.h"
#include "bench/mail/loop.h"
#include "bench/mail/wire.h"

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::bench {

class LoadSession {
  public:
    LoadSession(Run& run, Loop& loop, Tally& tally, SSL_CTX* context, int number)
        : run_(run), loop_(loop), tally_(tally), context_(context), number_(number) {}

    void open();
    // The socket has something for us.
    void ready();
    // A time that this asked for has come.
    void due();
    // Ends an idle connection.
    void leave();
    [[nodiscard]] bool closed() const { return state_ == State::Closed; }
    [[nodiscard]] bool setting_up() const {
        return state_ > State::Pause && state_ < State::Standing;
    }

  private:
    // In the order of a connection's life.
    enum class State : std::uint8_t {
        Closed,
        Pause,  // before the next try to connect
        Greeting,
        Hello,
        StartTls,
        Shaking,
        Auth,
        Standing,  // ready for a message
        Message,
        Quit,
    };
    enum class Step : std::uint8_t { Mail, Rcpt, Data, Body, Chunk };

    void answer(int code, std::string_view line);
    void hello_answered();
    void stand();
    void next_message();
    void begin_message();
    void advance();
    void send_step(Step step);
    void step_answered(int code, std::string_view line);
    void message_done();
    void quit();
    void shaken();
    void failed(std::string what);
    void end_connection();
    void read_replies();

    Run& run_;
    Loop& loop_;
    Tally& tally_;
    SSL_CTX* context_;
    int number_;
    std::uint32_t opened_ = 0;
    State state_ = State::Closed;
    std::optional<Wire> wire_;
    bool writing_ = false;
    bool secured_ = false;
    Clock::time_point began_;
    std::uint32_t account_ = 0;
    int sent_here_ = 0;

    std::optional<Run::Message> message_;
    std::string header_;
    std::vector<Step> steps_;
    std::size_t sent_steps_ = 0;
    std::size_t answered_steps_ = 0;
};

}  // namespace sekisho::bench
