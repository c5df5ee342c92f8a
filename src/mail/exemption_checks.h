// What can be looked up about a mail server that a subscriber wants to run: its names, the SPF
// record of its domain, block lists, and whether it relays for strangers. Whether the line holds
// the address is for who knows lines.
#pragma once

#include "base/ip.h"
#include "exemption/exemption.h"
#include "mail/sender_lookups.h"
#include "net/task.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::mail {

struct ExemptionQuestion {
    IpAddress address;
    std::string domain;
    std::vector<std::string> lists;  // zones of gate.dnsbl
    std::string hostname;            // ours: for EHLO, and a domain that isn't theirs
    std::uint16_t port = 25;
};
struct ExemptionFacts {
    std::string reverse_name;  // that leads back; empty: none
    std::vector<exemption::Finding> findings;
};

// All but Check::Held; at the latest at the deadline.
net::Task<ExemptionFacts> look_up_exemption(Dns dns, ExemptionQuestion question);

}  // namespace sekisho::mail
