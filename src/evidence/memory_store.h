// Evidence in memory, for tests and as the reference of what a store does.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "evidence/evidence.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

namespace sekisho::evidence {

class MemoryEvidenceStore final : public EvidenceStore {
  public:
    [[nodiscard]] Result<std::int64_t> add(const Case& one) override;
    [[nodiscard]] Result<Case> find(std::int64_t id) override;
    [[nodiscard]] Result<std::vector<Case>> living(Time now) override;
    [[nodiscard]] Result<std::vector<Case>> all(std::size_t limit) override;
    [[nodiscard]] Result<std::vector<Case>> due(Time now) override;
    [[nodiscard]] Result<bool> stop(std::int64_t id, Time at, std::string_view by, Time erase_at)
        override;
    Status append(const std::vector<Record>& records) override;
    [[nodiscard]] Result<std::vector<Record>> records(std::int64_t id, std::size_t limit) override;
    [[nodiscard]] Result<std::int64_t> erase(std::int64_t id) override;

  private:
    std::mutex mutex_;
    std::map<std::int64_t, Case> cases_;
    std::map<std::int64_t, std::vector<Record>> records_;
};

}  // namespace sekisho::evidence
