// What a judged message adds to the report for the domain in its From (RFC 9990). No I/O.
#pragma once

#include "base/ip.h"
#include "config/config.h"
#include "mail/authenticity.h"
#include "report/dmarc.h"

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::mail {

// nullopt: no policy was found, or nobody wants reports. `envelope_to`: the recipients' domain, if
// they have one together. `refused`: by DMARC.
[[nodiscard]] std::optional<report::DmarcSeen> dmarc_seen(
    const Findings& findings,
    const config::Mail& mail,
    const IpAddress& client,
    const std::string& envelope_to,
    bool refused
);

// Adds what a failure report needs, where the policy's owner wants one of such a message.
void add_failure(const Findings& findings, std::string_view header, report::DmarcSeen& seen);

}  // namespace sekisho::mail
