#include "mail/patient_clients.h"

#include "base/time.h"

#include <map>
#include <mutex>
#include <string>

namespace sekisho::mail {

bool PatientClients::knows(const std::string& client, Time now) const {
    const std::scoped_lock lock(mutex_);
    const auto found = until_.find(client);
    return found != until_.end() && now < found->second;
}

void PatientClients::note(const std::string& client, bool patient, Time now) {
    const std::scoped_lock lock(mutex_);
    const auto found = until_.find(client);
    if (!patient) {
        until_.erase(client);
        return;
    }
    if (found != until_.end()) {
        if (now >= found->second) {
            found->second = now + options_.lifetime;
        }
        return;
    }
    if (until_.size() >= options_.clients_max) {
        std::erase_if(until_, [now](const auto& one) { return now >= one.second; });
    }
    if (until_.size() < options_.clients_max) {
        until_.emplace(client, now + options_.lifetime);
    }
}

}  // namespace sekisho::mail
