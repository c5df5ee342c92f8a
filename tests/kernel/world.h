// Three network namespaces in a row: a subscriber, the gate's router, and the outside. Gone with
// the object.
#pragma once

#include "base/ip.h"

#include <functional>
#include <string>
#include <vector>

namespace sekisho::kernel_test {

class World {
  public:
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    [[nodiscard]] const std::string& problem() const { return problem_; }

    // Runs on a thread of its own whose network is that of the namespace; returns when it is done.
    void in_client(const std::function<void()>& work) const;
    void in_router(const std::function<void()>& work) const;
    void in_server(const std::function<void()>& work) const;

    // 0 when the connection stood, else errno; ETIMEDOUT after `wait_ms`.
    [[nodiscard]] int connect_from(
        const IpAddress& source, const Endpoint& destination, int wait_ms = 5000
    ) const;

    // What the other end says first, up to the end of the line or for 300 ms; then the connection
    // ends.
    [[nodiscard]] std::string first_line(const IpAddress& source, const Endpoint& destination)
        const;

  private:
    void run(const std::vector<std::string>& arguments);
    void listen_on(std::uint16_t port);

    std::string client_, router_, server_;
    std::string problem_;
    std::vector<int> listeners_;
};

}  // namespace sekisho::kernel_test
