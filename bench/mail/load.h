// What a run of the load generator is asked for, what it has found, and its threads.
#pragma once

#include "bench/mail/figures.h"
#include "bench/mail/loop.h"
#include "bench/mail/wire.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::bench {

enum class TlsMode : std::uint8_t { None, StartTls, Implicit };

struct LoadOptions {
    std::string host = "127.0.0.1";
    int port = 0;
    TlsMode tls = TlsMode::None;
    std::string user;  // empty: no AUTH; "%d" becomes the number of an account
    std::string password;
    int accounts = 1;
    int connections = 1;
    int per_connection = 1;
    std::uint32_t messages = 0;  // 0: as many as --seconds gives
    double seconds = 0;          // 0: until --messages are sent
    std::size_t size = 10240;
    std::string from;  // "%d" as in `user`
    std::string to;    // "%d" becomes the message's number modulo `destinations`
    int destinations = 1000;
    double rate = 0;  // messages a second, due at even times; 0: as fast as answers come
    int threads = 1;
    int sources = 1;  // loopback addresses to come from, 127.0.0.1 and up
    bool idle = false;
    bool pipelining = false;
    bool chunking = false;
    bool resume = false;
    std::string run;  // names the run in the ids
};

// What one thread has counted. Times are in milliseconds.
struct Tally {
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t refused = 0;
    std::uint64_t errors = 0;
    std::uint64_t connections = 0;
    std::uint64_t resumed = 0;
    std::vector<float> latency;
    std::vector<float> set_up;
    Ids ids;
    Clock::time_point last;  // the newest acknowledgement
    std::string example;     // the first reply or event that was a refusal or an error
    void trouble(std::uint64_t& counter, std::string what);
    void merge(Tally& other);
};

// What all connections of a run share. Safe from all threads.
class Run {
  public:
    explicit Run(const LoadOptions& options);

    struct Message {
        std::uint32_t number = 0;
        Clock::time_point due;  // when it should be sent: the past without --rate
    };
    // The next message to send; nothing when the run is over.
    std::optional<Message> take();
    [[nodiscard]] std::string header(
        std::uint32_t number, const std::string& from, const std::string& to
    ) const;
    [[nodiscard]] std::string_view body() const { return body_; }
    [[nodiscard]] const LoadOptions& options() const { return options_; }
    [[nodiscard]] Clock::time_point started() const { return started_; }

    // Set-ups in a row that failed end the run: a server that isn't there is no measurement.
    void set_up(bool worked);
    void stop() { stopped_ = true; }
    [[nodiscard]] bool stopped() const { return stopped_; }
    // Of an idle run: whether all connections stand (or have failed).
    void stands() { ++standing_; }
    [[nodiscard]] bool all_stand() const { return standing_ >= options_.connections; }

  private:
    LoadOptions options_;
    std::string body_;
    std::string date_;
    Clock::time_point started_ = Clock::now();
    std::atomic<std::uint32_t> next_ = 0;
    std::atomic<int> failed_in_a_row_ = 0;
    std::atomic<int> standing_ = 0;
    std::atomic<bool> stopped_ = false;
};

// Opens the connections whose number modulo the count of threads is `thread`, and works until the
// run is over and they are closed.
Tally work(Run& run, int thread);

// `format` with its first "%d" replaced.
std::string numbered(const std::string& format, std::uint32_t number);

}  // namespace sekisho::bench
