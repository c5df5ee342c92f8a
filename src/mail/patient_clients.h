// Who has waited for the greeting of port 25 lately, and so needn't show it again at each
// connection. Keys are limit::client_key(). Thread-safe; reads no clock.
#pragma once

#include "base/time.h"

#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace sekisho::mail {

class PatientClients {
  public:
    struct Options {
        Duration lifetime{60LL * 60 * 1000};  // after the wait, however often it has come since
        std::size_t clients_max = 100'000;    // more are made to wait
    };
    PatientClients() = default;
    explicit PatientClients(Options options) : options_(options) {}

    [[nodiscard]] bool knows(const std::string& client, Time now) const;
    // Whether it was patient at this connection; one that wasn't is not known any more.
    void note(const std::string& client, bool patient, Time now);

  private:
    const Options options_{};
    mutable std::mutex mutex_;
    std::map<std::string, Time> until_;
};

}  // namespace sekisho::mail
