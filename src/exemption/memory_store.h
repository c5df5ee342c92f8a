// Requests in memory, for tests and as the reference of what a store does.
#pragma once

#include "base/result.h"
#include "exemption/exemption.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace sekisho::exemption {

class MemoryRequestStore final : public RequestStore {
  public:
    [[nodiscard]] Result<std::int64_t> add(const Request& request) override;
    [[nodiscard]] Result<bool> replace(const Request& request, State before) override;
    [[nodiscard]] Result<Request> find(std::int64_t id) override;
    [[nodiscard]] Result<std::vector<Request>> of_login(std::string_view login, std::size_t limit)
        override;
    [[nodiscard]] Result<std::vector<Request>> list(std::optional<State> state, std::size_t limit)
        override;
    [[nodiscard]] Result<std::vector<Request>> untold(std::size_t limit) override;

  private:
    template <class Is>
    std::vector<Request> newest(Is is, std::size_t limit);

    std::mutex mutex_;
    std::map<std::int64_t, Request> requests_;
};

}  // namespace sekisho::exemption
