// What an operator has stopped: the mail of an account, or to a domain, what comes later included.
// A small table that is asked at every try, from any thread; whoever keeps it makes it durable.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::queue {

struct Suspension {
    enum class Of : std::uint8_t { Account, Domain };
    Of of = Of::Account;
    std::string name;  // of a domain: lower case
    Time since{};
    std::optional<Time> until;  // none: until it is resumed
    std::string who, reason;
};
[[nodiscard]] std::string_view name(Suspension::Of of);  // "account", "domain"

class Suspensions {
  public:
    void set(Suspension suspension);  // in the place of one of the same account or domain
    bool remove(Suspension::Of of, std::string_view name);  // false: there is none
    // Those that are over by then are forgotten; they are returned.
    std::vector<Suspension> remove_over(Time now);

    [[nodiscard]] std::optional<Suspension> find(Suspension::Of of, std::string_view name, Time now)
        const;
    [[nodiscard]] std::vector<Suspension> list() const;
    [[nodiscard]] bool empty() const;

  private:
    using Key = std::pair<Suspension::Of, std::string>;
    mutable std::mutex mutex_;
    std::map<Key, Suspension> table_;
};

}  // namespace sekisho::queue
