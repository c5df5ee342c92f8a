// Greylisting (RFC 6647): who isn't known to be a mail server is asked to come again, which servers
// do and most programs that only pour out spam don't. Pure: what was seen of a source in, a
// decision and what is to be remembered out.
//
// A source is known by the domain that SPF vouches for, else by its network, since large senders
// come again from another address. Once it came again with the same mail, all of its mail passes.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::peer {

struct GreylistOptions {
    Duration delay{5LL * 60'000};             // before a try counts
    Duration retry_within{48LL * 3'600'000};  // after the first; later it is a first one again
    Duration known_for{35LL * 86'400'000};    // since the source's last mail
};

struct GreylistKeys {
    std::string source;  // "spf:example.org", "192.0.2.0/24", "2001:db8:1:2::/64"
    std::string mail;    // of this source, this sender and this recipient's domain
};
// `spf_domain` empty: SPF vouches for nothing.
[[nodiscard]] GreylistKeys greylist_keys(
    const IpAddress& client,
    std::string_view spf_domain,
    std::string_view sender,
    std::string_view recipient_domain
);

// What is remembered under a key.
struct GreylistEntry {
    Time first{};
    Time last{};
    friend bool operator==(const GreylistEntry&, const GreylistEntry&) = default;
};

struct GreylistDecision {
    bool pass = false;
    Duration wait{0};                     // until a try passes, when this one doesn't
    std::optional<GreylistEntry> source;  // to be remembered; none: leave it as it is
    std::optional<GreylistEntry> mail;
};
[[nodiscard]] GreylistDecision greylist(
    const std::optional<GreylistEntry>& source,
    const std::optional<GreylistEntry>& mail,
    Time now,
    const GreylistOptions& options = {}
);

// Where entries are kept. From any thread; may wait for a disk.
class GreylistStore {
  public:
    virtual ~GreylistStore() = default;
    [[nodiscard]] virtual Result<std::optional<GreylistEntry>> find(std::string_view key) = 0;
    virtual Status remember(std::string_view key, const GreylistEntry& entry) = 0;
};

}  // namespace sekisho::peer
