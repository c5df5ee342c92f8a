// Leases in memory, for tests and as the reference of what a store does.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "lease/lease.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

namespace sekisho::lease {

class MemoryLeaseStore final : public LeaseStore {
  public:
    [[nodiscard]] Result<std::int64_t> add(const Lease& lease) override;
    Status renew(std::int64_t id, Time expires) override;
    [[nodiscard]] Result<bool> end(
        std::int64_t id, Time at, std::string_view by, std::string_view reason
    ) override;
    Status checked(std::int64_t id, Time at) override;
    [[nodiscard]] Result<Lease> find(std::int64_t id) override;
    [[nodiscard]] Result<std::vector<Lease>> living() override;
    [[nodiscard]] Result<std::size_t> count(Kind kind) override;
    [[nodiscard]] Result<std::vector<Lease>> all(std::size_t limit) override;
    [[nodiscard]] Result<std::int64_t> version() override;

  private:
    std::mutex mutex_;
    std::map<std::int64_t, Lease> leases_;
    std::int64_t version_ = 0;
};

}  // namespace sekisho::lease
