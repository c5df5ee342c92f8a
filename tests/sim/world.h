// Time and chance of a simulation: events in order of their time, and one stream of random numbers.
// The same seed gives the same run; the digest of what happened shows it.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::sim {

// A promise was broken; the text says which.
struct Broken : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class World {
  public:
    World(std::uint64_t seed, bool trace);

    [[nodiscard]] Time now() const { return now_; }
    [[nodiscard]] Duration elapsed() const;
    void after(Duration wait, std::function<void()> event);
    // The next event; false when none is left or it would come after `end`.
    bool run_next(Time end);

    [[nodiscard]] std::uint64_t random() { return random_(); }
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    [[nodiscard]] bool percent(std::uint64_t share) { return below(100) < share; }
    [[nodiscard]] Duration between(Duration low, Duration high);

    // Something happened: part of the digest, and printed when the run is traced.
    void note(std::string_view what, std::string_view of = {});
    [[nodiscard]] std::uint64_t digest() const { return digest_; }

  private:
    std::mt19937_64 random_;
    bool trace_;
    Time start_, now_;
    std::uint64_t events_ = 0;
    std::map<std::pair<Time, std::uint64_t>, std::function<void()>> agenda_;
    std::uint64_t digest_ = 14'695'981'039'346'656'037ULL;  // FNV-1a
};

}  // namespace sekisho::sim
