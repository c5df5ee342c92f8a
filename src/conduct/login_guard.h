// How many wrong passwords are too many, so that guessing is hopeless and neither the neighbours of
// a guesser nor the owner of the account are locked out. Thread-safe; reads no clock. The rules
// stand in README.md.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "conduct/login_memory.h"
#include "conduct/remembered.h"
#include "limit/limiter.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::conduct {

// The names of the limits, as refusals and metrics show them.
inline constexpr std::string_view kFailuresOfAccount = "login_failures_per_hour.account";
inline constexpr std::string_view kFailuresOfPair = "login_failures_per_hour.account_and_address";
inline constexpr std::string_view kFailuresOfAddress = "login_failures_per_hour.address";
inline constexpr std::string_view kFailuresOfShared = "login_failures_per_hour.shared_address";
inline constexpr std::string_view kFailuresOfNetwork = "login_failures_per_hour.network";

// For the limiter that the guard is given; 0: no limits.
[[nodiscard]] std::vector<limit::Limit> login_limits(std::uint32_t failures_per_hour);

class LoginGuard {
  public:
    struct Options {
        std::string key;  // 32 random bytes of this process
        std::size_t entries_max = 200'000;
    };
    // `limiter` must outlive the guard.
    LoginGuard(limit::Limiter& limiter, Options options);

    // Whether a login may be tried; costs nothing.
    [[nodiscard]] std::expected<void, limit::Refusal> check(
        std::string_view login, const IpAddress& address, Time now
    );

    // A guess as failed() compares it: a keyed digest. SCRAM has none: "".
    [[nodiscard]] std::string guess(std::string_view login, std::string_view password) const;
    // Counts a wrong password. False: it is the guess of a moment ago, counted already.
    bool failed(const LoginMark& mark, std::string_view guess);
    // How many times the usual wait a refused guess is to wait: 1 at first, up to kSlowestTimes
    // when the account, the address or its network has used up what it may fail in an hour.
    [[nodiscard]] unsigned slowness(std::string_view login, const IpAddress& address, Time now);
    // True: worth keeping (LoginMemory); it isn't when it was so a few hours ago.
    bool succeeded(const LoginMark& mark);

    // What LoginMemory kept, oldest first, successes before failures.
    void restore_success(const LoginMark& mark);
    void restore_failure(const LoginMark& mark);

    static constexpr unsigned kSlowestTimes = 8;
    static constexpr Duration kFamiliarFor{30LL * 24 * 3600 * 1000};
    static constexpr Duration kFailuresFor{3600 * 1000};

  private:
    struct Keys {
        std::string pair, address, network;
    };
    // The logins that an address was used for, latest last.
    struct Users {
        std::array<std::string, 2> logins;
    };
    struct Guess {
        std::string digest;
        bool by_scram = false;
        Time counted{};
    };

    [[nodiscard]] static Keys keys(std::string_view login, const IpAddress& address);
    [[nodiscard]] std::vector<limit::Want> wants(
        std::string_view login, const Keys& keys, Time now
    );
    [[nodiscard]] bool repeated(const Keys& keys, std::string_view guess, Time now);
    bool remember(const LoginMark& mark);
    void count(const LoginMark& mark, const Keys& keys);

    limit::Limiter& limiter_;  // NOLINT(*-avoid-const-or-ref-data-members)
    const std::string key_;
    std::mutex mutex_;
    Remembered<Time> familiar_;  // by pair; when it was worth keeping last
    Remembered<Users> users_;    // by address
    Remembered<Guess> guesses_;  // by pair
};

}  // namespace sekisho::conduct
