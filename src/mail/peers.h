// What the exchange goes by when it judges its peers: the operator's rules with their files, and
// what peers brought before.
#pragma once

#include "base/ip.h"
#include "base/networks.h"
#include "base/result.h"
#include "config/config.h"
#include "mail/sender_lookups.h"
#include "peer/evidence.h"
#include "peer/judge.h"
#include "peer/name_patterns.h"

#include <string>
#include <vector>

namespace sekisho::mail {

// Of files of prefixes. An error begins with `key`, and names file and line.
[[nodiscard]] Result<Networks> networks_of(
    const std::vector<std::string>& files, const std::string& key
);

class PeerEvidence {
  public:
    // With the files it names. An error names the key and the file.
    [[nodiscard]] static Result<PeerEvidence> load(const config::PeerEvidence& config);

    [[nodiscard]] const peer::Rules& rules() const { return rules_; }
    [[nodiscard]] const peer::NamePatterns& names() const { return names_; }
    // Of the files' networks the one that has the address; empty: none.
    [[nodiscard]] std::string network_of(const IpAddress& address) const;
    // What is to be looked up of a peer: nothing whose evidence is switched off.
    [[nodiscard]] PeerQuestion question(
        const IpAddress& address, std::string helo, const config::Mail& mail
    ) const;
    [[nodiscard]] peer::Judgement judge(const peer::Facts& facts) const {
        return peer::judge(facts, rules_, names_);
    }
    [[nodiscard]] bool keeps_past() const {
        return !rules_.all_off(peer::Kind::PastGood, peer::Kind::PastBad);
    }

  private:
    peer::Rules rules_;
    peer::NamePatterns names_;
    Networks networks_;
};

}  // namespace sekisho::mail
