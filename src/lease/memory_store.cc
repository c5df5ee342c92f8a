#include "lease/memory_store.h"

#include "base/result.h"
#include "base/time.h"
#include "lease/lease.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::lease {

Result<std::int64_t> MemoryLeaseStore::add(const Lease& lease) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, one] : leases_) {
        if (!one.ended && one.kind == lease.kind && one.target() == lease.target()) {
            return fail(already_leased(one));
        }
    }
    const std::int64_t id = leases_.empty() ? 1 : leases_.rbegin()->first + 1;
    leases_[id] = lease;
    leases_[id].id = id;
    ++version_;
    return id;
}

Status MemoryLeaseStore::renew(std::int64_t id, Time expires) {
    const std::lock_guard lock(mutex_);
    const auto at = leases_.find(id);
    if (at == leases_.end()) {
        return fail(no_lease(id));
    }
    if (at->second.ended) {
        return fail(has_ended(at->second));
    }
    at->second.expires = expires;
    ++version_;
    return {};
}

Result<bool> MemoryLeaseStore::end(
    std::int64_t id, Time at, std::string_view by, std::string_view reason
) {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(id);
    if (found == leases_.end()) {
        return fail(no_lease(id));
    }
    if (found->second.ended) {
        return false;
    }
    found->second.ended = at;
    found->second.ended_by = by;
    found->second.ended_reason = reason;
    ++version_;
    return true;
}

Status MemoryLeaseStore::checked(std::int64_t id, Time at) {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(id);
    if (found == leases_.end()) {
        return fail(no_lease(id));
    }
    found->second.checked = at;
    ++version_;
    return {};
}

Result<Lease> MemoryLeaseStore::find(std::int64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(id);
    return found == leases_.end() ? Result<Lease>(fail(no_lease(id))) : found->second;
}

Result<std::vector<Lease>> MemoryLeaseStore::living() {
    const std::lock_guard lock(mutex_);
    std::vector<Lease> out;
    for (const auto& [id, one] : leases_) {
        if (!one.ended) {
            out.push_back(one);
        }
    }
    return out;
}

Result<std::size_t> MemoryLeaseStore::count(Kind kind) {
    const std::lock_guard lock(mutex_);
    const auto lives = [kind](const auto& one) {
        return one.second.kind == kind && !one.second.ended;
    };
    return static_cast<std::size_t>(std::count_if(leases_.begin(), leases_.end(), lives));
}

Result<std::vector<Lease>> MemoryLeaseStore::all(std::size_t limit) {
    const std::lock_guard lock(mutex_);
    std::vector<Lease> out;
    for (auto at = leases_.rbegin(); at != leases_.rend() && out.size() < limit; ++at) {
        out.push_back(at->second);
    }
    return out;
}

Result<std::int64_t> MemoryLeaseStore::version() {
    const std::lock_guard lock(mutex_);
    return version_;
}

}  // namespace sekisho::lease
