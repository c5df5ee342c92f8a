// What is said and done about a message's authenticity on the exchange: fields, replies, a line for
// the journal. No I/O.
#pragma once

#include "arc/verify.h"
#include "base/time.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "message/auth_results.h"
#include "message/header.h"
#include "peer/judge.h"
#include "smtp/address.h"
#include "smtp/reply.h"
#include "spf/check.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::mail {

// A DKIM signature as it was verified.
struct SignatureFinding {
    dmarc::Status status = dmarc::Status::Other;
    std::string result;  // as RFC 8601 §2.7.1 has them: "pass", "fail", ...
    std::string domain, selector, algorithm;
    std::string signature;  // its first octets (RFC 6008)
    std::string reason;
};

// What was found out about one message; what isn't there wasn't asked.
struct Findings {
    std::optional<peer::Facts> peer;
    std::optional<spf::Query> spf_query;
    std::optional<spf::Outcome> spf;
    std::vector<SignatureFinding> signatures;
    std::optional<arc::Verdict> chain;
    std::optional<dmarc::Outcome> dmarc;
};

// sender: none for the null reverse-path.
[[nodiscard]] spf::Query spf_query(
    const IpAddress& client,
    const std::string& helo,
    const std::optional<smtp::Address>& sender,
    const std::string& hostname,
    Time now
);
// From's domain, and what SPF and DKIM vouch for.
[[nodiscard]] dmarc::Input dmarc_input(const message::Header& header, const Findings& findings);

// Authentication-Results and, where `mail.spf` says so, Received-SPF: whole fields, to stand above
// our Received. Empty when nothing was asked.
[[nodiscard]] std::string fields(const Findings& findings, const config::Mail& mail);
[[nodiscard]] std::vector<message::MethodResult> results(
    const Findings& findings, const config::Mail& mail
);
// For an event: "spf=pass dmarc=fail (p=reject)".
[[nodiscard]] std::string summary(const Findings& findings);

// What `mail.spf` and `mail.dmarc` refuse; nullopt: it is taken.
[[nodiscard]] std::optional<smtp::Reply> refuse_spf(
    const Findings& findings, const config::Mail& mail
);
[[nodiscard]] std::optional<smtp::Reply> refuse_dmarc(
    const Findings& findings, const config::Mail& mail, std::size_t from_fields
);

// Who among those that handed the message on found it to be of its author, if all of them are
// sealers that `mail.arc_trusted` names: its DMARC policy isn't enforced then (RFC 8617 §7.2.1).
[[nodiscard]] std::optional<std::string> vouched_by_chain(
    const Findings& findings, const config::Mail& mail
);

// The ids of Authentication-Results that are ours alone: the host's name and our domains.
[[nodiscard]] std::vector<std::string> own_ids(const config::Mail& mail);

}  // namespace sekisho::mail
