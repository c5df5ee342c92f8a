// A failure report (RFC 9991, in the format of RFC 6591): one message that failed DMARC, told to
// the owner of the domain in its From at once. It is a stranger's address that wants it, and the
// message is somebody's: only what shows why it failed is told, nobody's name, subject or text.
#pragma once

#include "base/time.h"
#include "report/dmarc.h"
#include "report/letter.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::report {

// Whether the record's `fo` asks for a report of such a message: "0": nothing vouches for it; "1":
// SPF or DKIM doesn't; "d", "s": a signature, or SPF, fails whoever's it is.
[[nodiscard]] bool wants_failure(std::string_view options, const DmarcRow& row);

struct FailureParts {
    std::string id;       // of the report
    std::string key;      // secret: local parts of addresses are shown as digests by it (RFC 6590)
    std::string auth_id;  // authserv-id
};
[[nodiscard]] Letter failure_letter(
    const DmarcSeen& seen,
    const FailureParts& parts,
    const std::vector<std::string>& to,
    const Sender& sender,
    Time now
);

// What of a message's header a report shows: From, Date, Message-ID, DKIM-Signature; local parts
// as digests.
[[nodiscard]] std::string redacted_header(std::string_view header, std::string_view key);

// How many went about each domain today, at most `per_day`. Of one thread.
class FailureQuota {
  public:
    [[nodiscard]] bool take(const std::string& domain, std::uint32_t per_day, Time now);

  private:
    static constexpr std::size_t kDomainsMax = 10'000;
    std::int64_t day_ = 0;
    std::map<std::string, std::uint32_t, std::less<>> sent_;
};

}  // namespace sekisho::report
