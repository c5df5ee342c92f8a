// Is the other side on port 25 a mail server? Facts and the operator's rules in, a judgement out,
// each weight with a sentence that says why: names, HELO, behaviour now and before, the policy's
// own class, SPF, lists. Pure; the look-ups are the caller's.
#pragma once

#include "base/ip.h"
#include "peer/evidence.h"
#include "peer/name_patterns.h"
#include "peer/past.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::peer {

struct Listing {
    std::string zone;
    std::string answer;  // "127.0.0.2"
    int weight = 0;      // of this list; below zero for a block list
};

struct Facts {
    IpAddress address;
    bool names_known = true;  // false: the PTR look-up failed for now; silence is no evidence then
    std::vector<std::string> ptr_names;   // what the address's PTR records say
    std::vector<std::string> confirmed;   // those of them whose A/AAAA lead back to the address
    std::string helo;                     // as given; empty before HELO
    std::optional<bool> helo_leads_back;  // A/AAAA of the HELO name has the address; unknown: empty
    std::vector<std::string> our_names;   // our host name and domains: nobody else greets with them
    bool early_talker = false;            // spoke before our greeting
    bool bare_newline = false;            // ended a line with LF alone, or had a CR by itself
    bool tls = false;                     // used STARTTLS
    std::string policy_class;             // of the address: "others-dynamic", "mail-servers", ...
    std::string spf_domain;  // whose SPF record names the address as a sender; empty: none. A fail
                             // is no evidence: forwarded mail has it
    std::vector<Listing> listings;  // in lists of the DNS that the operator asks
    std::string own_line;           // the subscriber's line that has the address; empty: none
    std::string dynamic_network;    // the prefix of others' lines that has it; empty: none
    PastVerdict past;
};

enum class Opinion : std::uint8_t { Server, Client, Unknown };
[[nodiscard]] std::string_view name(Opinion opinion);  // "server", ...

struct Reason {
    int weight = 0;        // 0: it was noted, or it settled the matter by its action alone
    std::string sentence;  // "its name ppp-1-2-3-4.dyn.example looks like a dynamic line (\"dyn\")"
    Kind kind = Kind::NoName;
    Action action = Action::Weigh;
    std::string basis;  // the operator's note
};

struct Judgement {
    Opinion opinion = Opinion::Unknown;
    int score = 0;
    bool delay = false;           // its mail is to be greylisted, whatever the opinion
    std::vector<Reason> reasons;  // what settled it, then the heaviest, then what was only noted
    // One line for log and event: "client (-70): it has no reverse name; ..."
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] Judgement judge(
    const Facts& facts,
    const Rules& rules = {},
    const NamePatterns& patterns = NamePatterns::built_in()
);

}  // namespace sekisho::peer
