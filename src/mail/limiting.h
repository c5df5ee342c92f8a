// What the mail role counts by, and where a client is: from the configuration to limits. No I/O.
#pragma once

#include "base/time.h"
#include "config/config.h"
#include "limit/limiter.h"
#include "limit/spec.h"

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

struct Settings;

// The [[limit]]s, and those of `mail.recipients_per_hour` and `mail.recipients_per_day` where no
// [[limit]] has their name.
[[nodiscard]] std::vector<limit::Spec> specs_of(const config::Config& config);
// The same as limits, with those of wrong passwords and of slow accounts.
[[nodiscard]] std::vector<limit::Limit> limits_of(const config::Config& config);

// Where a client is. A line that is known, or a home class: at home. `relayed`: it comes by a relay
// (limits.relay_networks), and is taken to be in the country.
[[nodiscard]] limit::Where whereabouts(
    const config::Limits& limits,
    bool line_known,
    std::string_view network_class,
    std::string_view country,
    bool relayed = false
);

// Which of the refusals that a limit in shadow would have made are worth an event: one a minute for
// each limit and key. Thread-safe, bounded.
class ShadowNotes {
  public:
    // How many alike the event stands for; 0: none now.
    [[nodiscard]] std::int64_t worth(const limit::Refusal& refusal, Time now);

  private:
    struct Seen {
        Time noted{};
        std::int64_t since = 0;
    };
    std::mutex mutex_;
    std::map<std::string, Seen> seen_;
};

}  // namespace sekisho::mail
