// Is the other side on port 25 a mail server? Facts in, weights, a judgement out, each weight with
// a sentence that says why: names, HELO, behaviour, the policy's own class, SPF, lists. Pure; the
// look-ups are the caller's.
#pragma once

#include "base/ip.h"

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
    bool tls = false;                     // used STARTTLS
    std::string policy_class;             // of the address: "others-dynamic", "mail-servers", ...
    std::string spf_domain;  // whose SPF record names the address as a sender; empty: none. A fail
                             // is no evidence: forwarded mail has it
    std::vector<Listing> listings;  // in lists of the DNS that the operator asks
};

enum class Opinion : std::uint8_t { Server, Client, Unknown };
[[nodiscard]] std::string_view name(Opinion opinion);  // "server", ...

// Positive speaks for a server. Server at server_at or more, Client at client_at or less.
struct Weights {
    int declared_server = 100, declared_dynamic = -100;
    int no_ptr = -25, ptr_unconfirmed = -10, ptr_confirmed = 15;
    int name_mail = 25, name_static = 5, name_plain = 10;  // only of a confirmed name
    int name_dynamic = -45, name_generic = -20;
    int helo_leads_back = 20, helo_matches_ptr = 10, helo_elsewhere = -5;
    int helo_is_ours = -60, helo_not_a_name = -25, helo_literal = -10, helo_wrong_literal = -40;
    int helo_dynamic = -15;
    int early_talker = -40;
    int tls = 5;
    int spf_pass = 15;
    int server_at = 30, client_at = -30;
};

struct Reason {
    int weight = 0;
    std::string sentence;  // "its name ppp-1-2-3-4.dyn.example looks like a dynamic line (\"dyn\")"
};

struct Judgement {
    Opinion opinion = Opinion::Unknown;
    int score = 0;
    std::vector<Reason> reasons;  // heaviest first
    // One line for log and event: "client (-70): it has no reverse name; ..."
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] Judgement judge(const Facts& facts, const Weights& weights = {});

}  // namespace sekisho::peer
