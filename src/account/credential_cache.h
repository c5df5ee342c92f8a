// Remembers for some minutes that a password was right, so that a mail program that logs in every
// minute doesn't cost an argon2 each time. Keeps a keyed digest, never a password; only successes,
// so guessing gains nothing. Thread-safe; reads no clock.
//
// The digest covers login, password and the stored hash: a changed password is unknown here at
// once. Whether an account is enabled is not this cache's affair (SaslServer looks each time).
#pragma once

#include "base/time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sekisho::account {

class CredentialCache {
  public:
    struct Options {
        std::string key;  // 32 random bytes of this process
        Duration lifetime{5LL * 60 * 1000};
        std::size_t entries_max = 100'000;  // the oldest go first
    };
    explicit CredentialCache(Options options);

    [[nodiscard]] bool holds(
        std::string_view login, std::string_view hash, std::string_view password, Time now
    );
    // After a successful verification, and only then.
    void remember(
        std::string_view login, std::string_view hash, std::string_view password, Time now
    );
    [[nodiscard]] std::size_t size() const;

    struct Counters {
        std::uint64_t hits = 0, misses = 0;
    };
    [[nodiscard]] Counters counters() const;

  private:
    using Digest = std::array<char, 32>;
    struct DigestHash {
        std::size_t operator()(const Digest& digest) const {
            std::size_t value = 0;  // any part of an HMAC is as good as a hash
            std::memcpy(&value, digest.data(), sizeof(value));
            return value;
        }
    };
    struct Age {
        Digest digest;
        Time until;
    };

    [[nodiscard]] Digest digest(
        std::string_view login, std::string_view hash, std::string_view password
    ) const;
    void forget_old(Time now);

    const Options options_;
    mutable std::mutex mutex_;
    std::unordered_map<Digest, Time, DigestHash> until_;
    std::deque<Age> ages_;  // in order of `until`, as every entry lives equally long
    Counters counters_;
};

}  // namespace sekisho::account
