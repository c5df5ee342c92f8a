#include "conduct/login_guard.h"

#include "account/digest.h"
#include "base/assert.h"
#include "base/ip.h"
#include "base/time.h"
#include "conduct/login_memory.h"
#include "limit/gcra.h"
#include "limit/limiter.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::conduct {
namespace {

constexpr Duration kSameGuessFor = std::chrono::minutes(1);
constexpr Duration kKeptAgainAfter = std::chrono::hours(6);
constexpr std::int64_t kSharedFactor = 10;
constexpr std::int64_t kNetworkFactor = 10;

}  // namespace

std::vector<limit::Limit> login_limits(std::uint32_t failures_per_hour) {
    std::vector<limit::Limit> out;
    const auto add = [&](std::string_view name, std::int64_t factor) {
        out.push_back({
            .name = std::string(name),
            .how = limit::Rate{.count = factor * failures_per_hour, .per = std::chrono::hours(1)},
            .kept = false,  // LoginMemory keeps the failures themselves
        });
    };
    if (failures_per_hour > 0) {
        add(kFailuresOfAccount, 1);
        add(kFailuresOfPair, 1);
        add(kFailuresOfAddress, 1);
        add(kFailuresOfShared, kSharedFactor);
        add(kFailuresOfNetwork, kNetworkFactor);
    }
    return out;
}

LoginGuard::LoginGuard(limit::Limiter& limiter, Options options)
    : limiter_(limiter),
      key_(std::move(options.key)),
      familiar_(options.entries_max, kFamiliarFor),
      users_(options.entries_max, kFamiliarFor),
      guesses_(options.entries_max, kSameGuessFor) {
    SEKISHO_ASSERT(key_.size() >= 32);
}

LoginGuard::Keys LoginGuard::keys(std::string_view login, const IpAddress& address) {
    // Who has an IPv6 line has a /64 at least, and a site a /48 (RFC 6177).
    const Prefix own(address, address.is_v4() ? 32 : 64);
    const Prefix network(address, address.is_v4() ? 24 : 48);
    Keys out;
    out.address = own.text();
    out.network = network.text();
    // No address has a space in it, so that no two pairs give the same text.
    out.pair = out.address + " " + std::string(login);
    return out;
}

std::vector<limit::Want> LoginGuard::wants(std::string_view login, const Keys& keys, Time now) {
    std::vector<limit::Want> out{{kFailuresOfPair, keys.pair, 1}};
    if (familiar_.find(keys.pair, now) != nullptr) {
        return out;
    }
    out.push_back({kFailuresOfAccount, login, 1});
    const auto* users = users_.find(keys.address, now);
    if (users != nullptr && !users->value.logins[0].empty()) {
        out.push_back({kFailuresOfShared, keys.address, 1});
        return out;
    }
    out.push_back({kFailuresOfAddress, keys.address, 1});
    out.push_back({kFailuresOfNetwork, keys.network, 1});
    return out;
}

std::expected<void, limit::Refusal> LoginGuard::check(
    std::string_view login, const IpAddress& address, Time now
) {
    const Keys of = keys(login, address);
    const std::scoped_lock lock{mutex_};
    return limiter_.check(wants(login, of, now), now);
}

std::string LoginGuard::guess(std::string_view login, std::string_view password) const {
    std::string bytes = std::to_string(login.size()) + ':';
    bytes += login;
    bytes += password;
    std::string out = account::hmac_sha256(key_, bytes);
    account::wipe(bytes);
    return out;
}

bool LoginGuard::repeated(const Keys& keys, std::string_view guess, Time now) {
    const bool by_scram = guess.empty();
    if (auto* last = guesses_.find(keys.pair, now);
        last != nullptr && now - last->value.counted < kSameGuessFor) {
        Guess& of = last->value;
        if (by_scram ? !of.by_scram : of.digest.empty() || of.digest == guess) {
            of.by_scram = of.by_scram || by_scram;
            of.digest = by_scram ? of.digest : std::string(guess);
            return true;
        }
    }
    guesses_.touch(keys.pair, now).value =
        Guess{.digest = std::string(guess), .by_scram = by_scram, .counted = now};
    return false;
}

void LoginGuard::count(const LoginMark& mark, const Keys& keys) {
    // Each by itself: one that is used up must not keep the others from counting.
    for (const limit::Want& want : wants(mark.login, keys, mark.at)) {
        static_cast<void>(limiter_.take(std::span{&want, 1}, mark.at));
    }
}

bool LoginGuard::failed(const LoginMark& mark, std::string_view guess) {
    const Keys of = keys(mark.login, mark.address);
    const std::scoped_lock lock{mutex_};
    if (repeated(of, guess, mark.at)) {
        return false;
    }
    count(mark, of);
    return true;
}

unsigned LoginGuard::slowness(std::string_view login, const IpAddress& address, Time now) {
    const Keys of = keys(login, address);
    const std::scoped_lock lock{mutex_};
    unsigned times = 1;
    for (const limit::Want& want : wants(login, of, now)) {
        for (const limit::Use& use : limiter_.explain(want.key, now)) {
            if (use.limit == want.limit && use.allowed > 0) {
                const auto more = (kSlowestTimes - 1) * std::min(use.used, use.allowed);
                times = std::max(times, 1 + static_cast<unsigned>(more / use.allowed));
            }
        }
    }
    return times;
}

bool LoginGuard::remember(const LoginMark& mark) {
    const Keys of = keys(mark.login, mark.address);
    std::array<std::string, 2>& logins = users_.touch(of.address, mark.at).value.logins;
    if (logins[1] != mark.login) {
        logins[0] = std::exchange(logins[1], mark.login);
    }
    Time& kept = familiar_.touch(of.pair, mark.at).value;
    const bool news = kept == Time{} || mark.at - kept >= kKeptAgainAfter;
    if (news) {
        kept = mark.at;
    }
    return news;
}

bool LoginGuard::succeeded(const LoginMark& mark) {
    const std::scoped_lock lock{mutex_};
    return remember(mark);
}

void LoginGuard::restore_success(const LoginMark& mark) {
    const std::scoped_lock lock{mutex_};
    remember(mark);
}

void LoginGuard::restore_failure(const LoginMark& mark) {
    const Keys of = keys(mark.login, mark.address);
    const std::scoped_lock lock{mutex_};
    count(mark, of);
}

}  // namespace sekisho::conduct
