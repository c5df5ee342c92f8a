#include "exemption/memory_store.h"

#include "base/result.h"
#include "exemption/exemption.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace sekisho::exemption {

template <class Is>
std::vector<Request> MemoryRequestStore::newest(Is is, std::size_t limit) {
    std::vector<Request> out;
    for (auto at = requests_.rbegin(); at != requests_.rend() && out.size() < limit; ++at) {
        if (is(at->second)) {
            out.push_back(at->second);
        }
    }
    return out;
}

Result<std::int64_t> MemoryRequestStore::add(const Request& request) {
    const std::scoped_lock lock{mutex_};
    std::size_t lately = 0;
    for (const auto& [id, one] : requests_) {
        if (one.open() && (one.login == request.login || one.address == request.address)) {
            return fail(open_already(one));
        }
        lately +=
            one.login == request.login && request.created - one.created < std::chrono::hours(24)
                ? 1
                : 0;
    }
    if (lately >= kOfLoginPerDay) {
        return fail(too_many());
    }
    const std::int64_t id = requests_.empty() ? 1 : requests_.rbegin()->first + 1;
    requests_[id] = request;
    requests_[id].id = id;
    return id;
}

Result<bool> MemoryRequestStore::replace(const Request& request, State before) {
    const std::scoped_lock lock{mutex_};
    const auto found = requests_.find(request.id);
    if (found == requests_.end()) {
        return fail(no_request(request.id));
    }
    if (found->second.state != before) {
        return false;
    }
    found->second = request;
    return true;
}

Result<Request> MemoryRequestStore::find(std::int64_t id) {
    const std::scoped_lock lock{mutex_};
    const auto found = requests_.find(id);
    if (found == requests_.end()) {
        return fail(no_request(id));
    }
    return found->second;
}

Result<std::vector<Request>> MemoryRequestStore::of_login(
    std::string_view login, std::size_t limit
) {
    const std::scoped_lock lock{mutex_};
    return newest([login](const Request& one) { return one.login == login; }, limit);
}

Result<std::vector<Request>> MemoryRequestStore::list(
    std::optional<State> state, std::size_t limit
) {
    const std::scoped_lock lock{mutex_};
    return newest([state](const Request& one) { return !state || one.state == *state; }, limit);
}

Result<std::vector<Request>> MemoryRequestStore::untold(std::size_t limit) {
    const std::scoped_lock lock{mutex_};
    auto out = newest([](const Request& one) { return one.told != one.state; }, requests_.size());
    std::ranges::reverse(out);
    out.resize(std::min(out.size(), limit));
    return out;
}

}  // namespace sekisho::exemption
