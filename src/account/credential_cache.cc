#include "account/credential_cache.h"

#include "account/digest.h"
#include "base/assert.h"
#include "base/time.h"

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::account {

CredentialCache::CredentialCache(Options options) : options_(std::move(options)) {
    SEKISHO_ASSERT(options_.key.size() >= 32);
    SEKISHO_ASSERT(options_.lifetime > Duration{0} && options_.entries_max > 0);
}

CredentialCache::Digest CredentialCache::digest(
    std::string_view login, std::string_view hash, std::string_view password
) const {
    // With each length in front, no two triples give the same bytes.
    std::string bytes;
    for (const std::string_view part : {login, hash, password}) {
        bytes += std::to_string(part.size()) + ':';
        bytes += part;
    }
    const std::string made = hmac_sha256(options_.key, bytes);
    wipe(bytes);
    Digest out{};
    SEKISHO_ASSERT(made.size() == out.size());
    made.copy(out.data(), out.size());
    return out;
}

bool CredentialCache::holds(
    std::string_view login, std::string_view hash, std::string_view password, Time now
) {
    const Digest wanted = digest(login, hash, password);
    const std::scoped_lock lock{mutex_};
    const auto found = until_.find(wanted);
    const bool hit = found != until_.end() && found->second > now;
    ++(hit ? counters_.hits : counters_.misses);
    return hit;
}

void CredentialCache::remember(
    std::string_view login, std::string_view hash, std::string_view password, Time now
) {
    const Digest right = digest(login, hash, password);
    const std::scoped_lock lock{mutex_};
    forget_old(now);
    // A second success within the lifetime doesn't lengthen it: the slow hash is run again every
    // few minutes whatever the client does.
    if (until_.contains(right)) {
        return;
    }
    if (until_.size() >= options_.entries_max) {
        until_.erase(ages_.front().digest);
        ages_.pop_front();
    }
    until_.emplace(right, now + options_.lifetime);
    ages_.push_back(Age{.digest = right, .until = now + options_.lifetime});
}

void CredentialCache::forget_old(Time now) {
    while (!ages_.empty() && ages_.front().until <= now) {
        until_.erase(ages_.front().digest);
        ages_.pop_front();
    }
}

std::size_t CredentialCache::size() const {
    const std::scoped_lock lock{mutex_};
    return until_.size();
}

CredentialCache::Counters CredentialCache::counters() const {
    const std::scoped_lock lock{mutex_};
    return counters_;
}

}  // namespace sekisho::account
