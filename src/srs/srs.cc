#include "srs/srs.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::srs {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::int64_t kDays = 1024;  // two digits of base 32

std::string hash(std::string_view secret, std::string_view data, std::size_t length) {
    const std::string lower = to_lower(data);
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    const unsigned char* made = HMAC(
        EVP_sha1(),
        secret.data(),
        static_cast<int>(secret.size()),
        reinterpret_cast<const unsigned char*>(lower.data()),
        lower.size(),
        out.data(),
        &size
    );
    SEKISHO_ASSERT(made != nullptr);
    const std::string text = base64({reinterpret_cast<const char*>(out.data()), size});
    return text.substr(0, length);
}

// Of `said`'s length; in any case, for a mail server on the way may have changed it.
bool proven(std::string_view said, std::string_view data, const Secrets& secrets) {
    if (said.size() < kHashMin) {
        return false;
    }
    return std::ranges::any_of(secrets, [&](const std::string& secret) {
        return iequals(hash(secret, data, said.size()), said);
    });
}

std::int64_t day_of(Time now) {
    return std::chrono::floor<std::chrono::days>(now).time_since_epoch().count() % kDays;
}

std::string stamp(Time now) {
    const std::int64_t day = day_of(now);
    return {
        kDigits[static_cast<std::size_t>(day / 32)], kDigits[static_cast<std::size_t>(day % 32)]
    };
}

std::optional<std::int64_t> read_stamp(std::string_view text) {
    if (text.size() != 2) {
        return std::nullopt;
    }
    const std::string upper = to_upper(text);
    const std::size_t high = kDigits.find(upper[0]);
    const std::size_t low = kDigits.find(upper[1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>((high * 32) + low);
}

// Up to the next '=', which goes too.
std::optional<std::string_view> part(std::string_view& text) {
    const std::size_t end = text.find('=');
    if (end == std::string_view::npos || end == 0) {
        return std::nullopt;
    }
    const std::string_view out = text.substr(0, end);
    text.remove_prefix(end + 1);
    return out;
}

// What is behind "SRS0" and its separator; others write '+' or '-' there.
std::optional<std::string_view> behind(std::string_view local, char number) {
    constexpr std::size_t kTag = 5;
    if (local.size() <= kTag || !iequals(local.substr(0, 3), "SRS") || local[3] != number ||
        (local[4] != '=' && local[4] != '+' && local[4] != '-')) {
        return std::nullopt;
    }
    return local.substr(kTag);
}

Error malformed() {
    return {Errc::Invalid, "a malformed SRS address"};
}

// "first.example==rest": the host of the first hop and what it made, its separator included.
struct Hop {
    std::string_view host, rest;
};

Result<Hop> hop_of(std::string_view text) {
    const auto host = part(text);
    if (!host || text.empty()) {
        return fail(malformed());
    }
    return Hop{*host, text};
}

Result<std::string> bounded(std::string local) {
    if (local.size() > kLocalMax) {
        return fail(Errc::Invalid, "the rewritten sender is too long");
    }
    return local;
}

Result<std::string> second(std::string_view host, std::string_view rest, const Secrets& secrets) {
    const std::string data = std::string(host) + std::string(rest);
    return bounded(
        "SRS1=" + hash(secrets.front(), data, kHashLength) + "=" + std::string(host) + "=" +
        std::string(rest)
    );
}

Result<Original> restore_first(std::string_view text, const Secrets& secrets, Time now) {
    const auto said = part(text);
    const auto day = part(text);
    const auto host = part(text);
    const auto number = day ? read_stamp(*day) : std::nullopt;
    if (!said || !host || !number || text.empty()) {
        return fail(malformed());
    }
    if (!proven(*said, std::string(*day) + std::string(*host) + std::string(text), secrets)) {
        return fail(Errc::Denied, "a forged SRS address: nothing was forwarded under it");
    }
    // A day ahead: clocks differ, and midnight is everywhere else at another time.
    const std::int64_t age = (day_of(now) + 1 - *number + kDays) % kDays;
    if (age > kDaysMax + 1) {
        return fail(Errc::Denied, "an expired SRS address");
    }
    return Original{std::string(text), std::string(*host)};
}

Result<Original> restore_second(std::string_view text, const Secrets& secrets) {
    const auto said = part(text);
    if (!said) {
        return fail(malformed());
    }
    const auto hop = hop_of(text);
    if (!hop) {
        return fail(hop.error());
    }
    if (!proven(*said, std::string(hop->host) + std::string(hop->rest), secrets)) {
        return fail(Errc::Denied, "a forged SRS address: nothing was forwarded under it");
    }
    return Original{"SRS0" + std::string(hop->rest), std::string(hop->host)};
}

}  // namespace

bool is_rewritten(std::string_view local) {
    return behind(local, '0') || behind(local, '1');
}

Result<std::string> rewrite(
    std::string_view local, std::string_view domain, const Secrets& secrets, Time now
) {
    SEKISHO_ASSERT(!secrets.empty());
    if (behind(local, '0')) {
        // With its separator: whoever restores it needs it as it was.
        return second(domain, local.substr(4), secrets);
    }
    if (auto rest = behind(local, '1')) {
        if (!part(*rest)) {
            return fail(malformed());
        }
        const auto hop = hop_of(*rest);
        if (!hop) {
            return fail(hop.error());
        }
        return second(hop->host, hop->rest, secrets);
    }
    const std::string day = stamp(now);
    const std::string data = day + std::string(domain) + std::string(local);
    return bounded(
        "SRS0=" + hash(secrets.front(), data, kHashLength) + "=" + day + "=" + std::string(domain) +
        "=" + std::string(local)
    );
}

Result<Original> restore(std::string_view local, const Secrets& secrets, Time now) {
    SEKISHO_ASSERT(!secrets.empty());
    if (local.size() > kLocalMax) {
        return fail(malformed());
    }
    if (const auto first = behind(local, '0')) {
        return restore_first(*first, secrets, now);
    }
    if (const auto other = behind(local, '1')) {
        return restore_second(*other, secrets);
    }
    return fail(malformed());
}

}  // namespace sekisho::srs
