#include "limit/connections.h"

#include "base/ip.h"

#include <cstdint>
#include <mutex>
#include <utility>

namespace sekisho::limit {

Prefix client_key(const IpAddress& address) {
    return {address, address.is_v4() ? 32 : 64};
}

Connections::Place& Connections::Place::operator=(Place&& other) noexcept {
    if (this != &other) {
        release();
        table_ = std::exchange(other.table_, nullptr);
        key_ = other.key_;
    }
    return *this;
}

void Connections::Place::release() noexcept {
    if (table_ == nullptr) {
        return;
    }
    const std::scoped_lock lock(table_->mutex_);
    --table_->total_;
    const auto at = table_->by_client_.find(key_);
    if (at != table_->by_client_.end() && --at->second == 0) {
        table_->by_client_.erase(at);
    }
    table_ = nullptr;
}

Connections::Place Connections::enter(
    const IpAddress& client, std::uint32_t total_max, std::uint32_t per_client_max
) {
    const Prefix key = client_key(client);
    const std::scoped_lock lock(mutex_);
    if (total_ >= total_max) {
        return {};
    }
    std::uint32_t& mine = by_client_[key];
    if (mine >= per_client_max) {
        if (mine == 0) {
            by_client_.erase(key);
        }
        return {};
    }
    ++mine;
    ++total_;
    return {this, key};
}

std::uint32_t Connections::total() const {
    const std::scoped_lock lock(mutex_);
    return total_;
}

}  // namespace sekisho::limit
