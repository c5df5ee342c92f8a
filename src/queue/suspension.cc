#include "queue/suspension.h"

#include "base/time.h"

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::queue {

std::string_view name(Suspension::Of of) {
    return of == Suspension::Of::Account ? "account" : "domain";
}

void Suspensions::set(Suspension suspension) {
    const std::scoped_lock lock(mutex_);
    Key key{suspension.of, suspension.name};
    table_.insert_or_assign(std::move(key), std::move(suspension));
}

bool Suspensions::remove(Suspension::Of of, std::string_view name) {
    const std::scoped_lock lock(mutex_);
    return table_.erase(Key{of, std::string(name)}) > 0;
}

std::vector<Suspension> Suspensions::remove_over(Time now) {
    std::vector<Suspension> over;
    const std::scoped_lock lock(mutex_);
    for (auto at = table_.begin(); at != table_.end();) {
        if (at->second.until && *at->second.until <= now) {
            over.push_back(std::move(at->second));
            at = table_.erase(at);
        } else {
            ++at;
        }
    }
    return over;
}

std::optional<Suspension> Suspensions::find(Suspension::Of of, std::string_view name, Time now)
    const {
    const std::scoped_lock lock(mutex_);
    if (table_.empty()) {
        return std::nullopt;
    }
    const auto found = table_.find(Key{of, std::string(name)});
    if (found == table_.end() || (found->second.until && *found->second.until <= now)) {
        return std::nullopt;
    }
    return found->second;
}

std::vector<Suspension> Suspensions::list() const {
    std::vector<Suspension> all;
    const std::scoped_lock lock(mutex_);
    all.reserve(table_.size());
    for (const auto& [key, suspension] : table_) {
        all.push_back(suspension);
    }
    return all;
}

bool Suspensions::empty() const {
    const std::scoped_lock lock(mutex_);
    return table_.empty();
}

}  // namespace sekisho::queue
