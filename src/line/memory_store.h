// Sessions in memory: for replays over a recorded history and for tests. Nothing survives it; not
// thread-safe.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::line {

class MemoryLineStore final : public LineStore {
  public:
    Status put(const Session& session) override;
    Status stop(const std::string& nas, const std::string& id, Time at) override;
    Status stop_all(const std::string& nas, Time at) override;
    using LineStore::holders;
    [[nodiscard]] Result<std::vector<Session>> holders(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port
    ) override;
    Status each_open(const std::function<void(const Session&)>& visit) override;
    [[nodiscard]] Result<std::vector<Session>> sessions_of(
        const std::string& line, std::size_t limit
    ) override;
    [[nodiscard]] Result<std::vector<Session>> open_on(const std::string& nas) override;
    [[nodiscard]] Result<std::vector<std::string>> open_nas() override;
    [[nodiscard]] Result<bool> knows(const std::string& nas) override;

  private:
    struct Held {
        std::size_t session;
        Time from;
    };
    void add(const Session& session);
    void hold(std::size_t session, const Prefix& prefix, Time from);
    void end(std::size_t session, Time at);

    std::vector<Session> sessions_;  // never removed
    std::map<std::pair<std::string, std::string>, std::size_t> newest_;
    std::map<Prefix, std::vector<Held>> held_;
    std::set<std::pair<bool, int>> lengths_;  // (is IPv4, length) in use
};

}  // namespace sekisho::line
