// What becomes of an address that the exchange judged to be no mail server: a penalty in the store,
// and a word to the gate. Thread-safe.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "config/config.h"
#include "policy/policy.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

namespace sekisho::store {
class Store;
}

namespace sekisho::cli {

class Penalties {
  public:
    explicit Penalties(store::Store& store) : store_(store) {}
    // The configuration and its policy without leases, from now on.
    void follow(const config::Config& config, std::shared_ptr<const policy::Policy> policy);
    // In gate.penalty_class for gate.penalty_for; nothing when the class is not set or the policy
    // names the address. What fails is logged. May wait for the disk.
    void add(const IpAddress& peer, const std::string& why);

  private:
    struct Followed {
        config::Config config;
        std::shared_ptr<const policy::Policy> policy;
    };
    Status grant(const Followed& followed, const IpAddress& peer, const std::string& why);
    [[nodiscard]] bool time_to_tell();

    store::Store& store_;
    std::mutex mutex_;  // all below
    std::shared_ptr<const Followed> followed_;
    std::chrono::steady_clock::time_point told_;
};

}  // namespace sekisho::cli
