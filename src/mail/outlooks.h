// Looks up what alignment.h judges, and remembers it for some minutes: it is asked with every
// message that is sent as an address elsewhere. Thread-safe.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "dkim/sign.h"
#include "mail/alignment.h"
#include "mail/outside_settings.h"
#include "mail/sender_lookups.h"
#include "net/task.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {

struct OutlookQuestion {
    std::string author;  // domain of From, A-labels, lower case
    std::string
        envelope;  // domain of MAIL FROM; empty: the null reverse-path, our host name counts
    std::string hostname;  // ours
    std::string sends;     // the host that hands mail to others: ours, or the smarthost
};

class Outlooks {
  public:
    // `signer` null: nothing is signed.
    explicit Outlooks(const dkim::SignerHolder* signer) : signer_(signer) {}

    // From now on domains' own settings are fetched where no SRV record has them; before the first
    // question. With an authority of one's own, in a closed network, from private addresses too.
    Status ask_web(const std::string& trust_ca);

    net::Task<Alignment> find(Dns dns, OutlookQuestion question);
    // As the DNS is now, with the domain's own services.
    net::Task<Alignment> look(Dns dns, OutlookQuestion question);

  private:
    using Key = std::pair<std::string, std::string>;
    struct Known {
        Alignment alignment;
        Time until{};
    };
    [[nodiscard]] std::optional<Alignment> remembered(const Key& key, Time now);
    void remember(const Key& key, const Alignment& alignment, Time now);

    const dkim::SignerHolder* signer_;
    OutsideWeb web_;
    std::mutex mutex_;
    std::map<Key, Known> known_;
};

// The host of `delivery.smarthost`, or else our own host name.
[[nodiscard]] std::string sending_host(const config::Config& config);

// The submission services of a domain: implicit TLS first (RFC 8314 §5.1), each by priority.
net::Task<std::vector<OutsideService>> look_up_services(Dns dns, std::string domain);

}  // namespace sekisho::mail
