// The sink's side of one SMTP or LMTP session: takes all, keeps nothing but the ids.
#pragma once

#include "bench/mail/figures.h"
#include "bench/mail/loop.h"
#include "bench/mail/wire.h"

#include <openssl/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::bench {

struct SinkOptions {
    int port = 0;
    bool tls = false;       // STARTTLS is offered
    bool implicit = false;  // TLS from the first octet
    bool auth = true;
    std::string certificate;
    std::string key;
    int threads = 1;
    std::chrono::milliseconds delay{0};   // before the answer to a message
    std::chrono::milliseconds tarpit{0};  // before every answer
    int fail_percent = 0;                 // of the messages, answered with
    int fail_code = 451;
};

// What one thread has taken.
struct SinkTally {
    std::uint64_t received = 0;
    std::uint64_t failed = 0;    // answered with the code of --fail
    std::uint64_t nameless = 0;  // received without a readable X-Bench-Id
    std::uint64_t connections = 0;
    std::uint64_t octets = 0;
    std::optional<Clock::time_point> first;
    std::optional<Clock::time_point> last;
    Ids ids;
    void merge(const SinkTally& other);
};

// Reads a message as it comes, up to the end that DATA gives it, and finds its id.
class MessageReader {
  public:
    // Octets of a BDAT chunk, or up to the lone dot without.
    void begin_data();
    void begin_chunk(std::size_t size, bool last);
    [[nodiscard]] bool reading() const { return reading_; }
    // Takes what belongs to it from the front of `input`; true when the end of the data or of the
    // chunk is reached.
    bool take(std::string& input);
    [[nodiscard]] bool last_chunk() const { return last_; }
    [[nodiscard]] std::string_view id() const { return id_; }
    [[nodiscard]] std::uint64_t octets() const { return octets_; }
    void forget();

  private:
    void look(std::string_view text);

    bool reading_ = false;
    bool last_ = false;
    std::optional<std::size_t> left_;  // of a chunk
    bool at_start_ = false;  // of a message by DATA: ".CRLF" ends it without a line before
    std::string header_;
    bool header_done_ = false;
    std::string id_;
    std::uint64_t octets_ = 0;
};

class SinkSession {
  public:
    SinkSession(
        const SinkOptions& options,
        Loop& loop,
        SinkTally& tally,
        SSL_CTX* context,
        UniqueFd fd,
        Loop::Key key
    );
    // Both return false when the session is over.
    bool ready();
    bool due();

  private:
    void work();
    void command(std::string_view line);
    void hello();
    void begin_chunk(std::string_view line);
    void data_ended();
    [[nodiscard]] bool fails() const;
    // Answers at once or after the tarpit's and `extra` time; what comes later waits meanwhile.
    void say(std::string_view reply, std::chrono::milliseconds extra = {});
    bool settle(bool alive);

    const SinkOptions& options_;
    Loop& loop_;
    SinkTally& tally_;
    SSL_CTX* context_;
    Wire wire_;
    Loop::Key key_;
    MessageReader message_;
    std::string late_;  // the reply that waits
    Clock::time_point late_at_;
    bool writing_ = false;
    bool secured_ = false;
    bool auth_asked_ = false;
    bool lmtp_ = false;
    std::size_t recipients_ = 0;  // of the transaction
    bool starting_tls_ = false;
    bool ended_ = false;
};

}  // namespace sekisho::bench
