// Does the LMTP server that mail is delivered to know a recipient? Asked while the other server
// waits at RCPT, so that nothing is taken that would have to be bounced. Answers are remembered.
// Thread-safe.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "net/resolver.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace sekisho::mail {

class CallAhead {
  public:
    struct Options {
        std::string where;        // delivery.lmtp: a path, or host:port
        std::string hostname;     // ours
        Duration timeout{5'000};  // for all of a question
        Duration known_for{2LL * 3600 * 1000}, unknown_for{5LL * 60 * 1000};
    };
    static constexpr std::size_t kRememberedMax = 200'000;
    // One that is away isn't asked again for so long.
    static constexpr std::chrono::seconds kRest{3};

    CallAhead(Options options, net::Resolver* resolver)
        : options_(std::move(options)), resolver_(resolver) {}

    // What is remembered; nullopt: it must be asked.
    [[nodiscard]] std::optional<bool> remembered(const std::string& address);

    // nullopt: it takes mail for the address. A permanent reply: it knows nobody of that name, or
    // doesn't take mail for them now (a full mailbox), in its own words. An error: it is away, or
    // said "later".
    static net::Task<Result<std::optional<smtp::Reply>>> ask(
        std::shared_ptr<CallAhead> self, net::Executor executor, std::string address
    );

    struct Counters {
        std::uint64_t asked = 0, remembered = 0, unknown = 0, away = 0;
    };
    [[nodiscard]] Counters counters() const;

  private:
    net::Task<Result<smtp::Reply>> talk(net::Executor executor, std::string address);
    void remember(const std::string& address, bool known);

    struct Known {
        bool known = false;
        std::chrono::steady_clock::time_point until{};
    };
    const Options options_;
    net::Resolver* const resolver_;
    mutable std::mutex mutex_;
    std::map<std::string, Known> known_;
    std::chrono::steady_clock::time_point rests_until_{};
    Counters counters_;
};

}  // namespace sekisho::mail
