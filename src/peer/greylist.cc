#include "peer/greylist.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/time.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::peer {
namespace {

constexpr int kNetwork4 = 24;
constexpr int kNetwork6 = 64;
// A known source's last mail is noted once in this time, not with each of thousands of messages.
constexpr Duration kNoteEvery = std::chrono::hours(12);
constexpr std::size_t kDigestBytes = 16;

}  // namespace

GreylistKeys greylist_keys(
    const IpAddress& client,
    std::string_view spf_domain,
    std::string_view sender,
    std::string_view recipient_domain
) {
    GreylistKeys keys;
    if (spf_domain.empty()) {
        keys.source = Prefix(client, client.is_v4() ? kNetwork4 : kNetwork6).text();
    } else {
        keys.source = "spf:" + to_lower(spf_domain);
    }
    // A digest: neither who wrote nor to whom is kept for it.
    const std::string all =
        keys.source + '\n' + to_lower(sender) + '\n' + to_lower(recipient_domain);
    keys.mail = "mail:" + hex(sha256(all).substr(0, kDigestBytes));
    return keys;
}

GreylistDecision greylist(
    const std::optional<GreylistEntry>& source,
    const std::optional<GreylistEntry>& mail,
    Time now,
    const GreylistOptions& options
) {
    GreylistDecision out;
    if (source && now - source->last <= options.known_for) {
        out.pass = true;
        if (now - source->last >= kNoteEvery) {
            out.source = GreylistEntry{source->first, now};
        }
        return out;
    }
    if (!mail || now - mail->first > options.retry_within) {
        out.wait = options.delay;
        out.mail = GreylistEntry{now, now};
        return out;
    }
    const Duration waited = std::chrono::duration_cast<Duration>(now - mail->first);
    if (waited < options.delay) {
        out.wait = options.delay - waited;
        return out;
    }
    out.pass = true;
    out.source = GreylistEntry{mail->first, now};
    return out;
}

}  // namespace sekisho::peer
