// What a network brought to port 25 before, as evidence of what it is. It fades, so that an address
// with a new holder isn't judged by the old one for long. Pure.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::peer {

// What one session brought.
struct Brought {
    std::uint32_t messages = 0;            // taken
    std::uint32_t recipients = 0;          // taken
    std::uint32_t refused_recipients = 0;  // who don't exist, or aren't ours to take mail for
    std::uint32_t bad = 0;                 // forged, spam, spoke too early, bare newlines

    [[nodiscard]] bool empty() const {
        return messages == 0 && recipients == 0 && refused_recipients == 0 && bad == 0;
    }
    void add(const Brought& more);
    friend bool operator==(const Brought&, const Brought&) = default;
};

// The sums, faded as of `last`.
struct Past {
    double messages = 0, recipients = 0, refused_recipients = 0, bad = 0;
    Time first{};
    Time last{};
    friend bool operator==(const Past&, const Past&) = default;
};

inline constexpr Duration kPastHalfLife{14LL * 86'400'000};
inline constexpr Duration kPastKept{70LL * 86'400'000};  // since its last session

// Whom what is remembered is about: the address, in IPv6 its /64.
[[nodiscard]] std::string past_key(const IpAddress& address);

// `before` with a session at `at`.
[[nodiscard]] Past with(const std::optional<Past>& before, const Brought& session, Time at);

enum class Record : std::uint8_t { None, Good, Bad };
struct PastVerdict {
    Record record = Record::None;
    std::string sentence;  // "it brought 41 messages since 2026-10-02, of ... few refused"
};
// None: too little is known, or it is neither.
[[nodiscard]] PastVerdict verdict(const Past& past, Time at);

// Where it is kept. From any thread; may wait for a disk.
class PastStore {
  public:
    virtual ~PastStore() = default;
    [[nodiscard]] virtual Result<std::optional<Past>> find(std::string_view key) = 0;
    // All or none.
    virtual Status remember(const std::vector<std::pair<std::string, Past>>& all) = 0;
};

// Gathers what sessions brought until it is kept. Thread-safe.
class Gathered {
  public:
    void note(const IpAddress& address, const Brought& session, Time at);
    // Adds what was gathered to what the store has; what could not be kept stays for the next time.
    Status keep(PastStore& store);
    // With what is not kept yet. May wait for the store.
    [[nodiscard]] Result<std::optional<Past>> find(PastStore& store, const IpAddress& address)
        const;

  private:
    static constexpr std::size_t kMax =
        100'000;  // addresses; more between two keepings aren't noted
    struct One {
        Brought sum;
        Time last{};
    };
    mutable std::mutex mutex_;
    std::map<std::string, One, std::less<>> sessions_;
};

}  // namespace sekisho::peer
