// The local socket between the command line and a running role: one line of JSON in, one line out.
// The lines are opaque here.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "net/server.h"

#include <functional>
#include <memory>
#include <string>

namespace sekisho::net {

class ControlServer {
  public:
    // Ends the listening and removes the socket's file.
    virtual ~ControlServer() = default;
};

// Called on a worker thread with a request (without its line end); exceptions end the connection.
using ControlHandler = std::function<std::string(std::string)>;

// Mode 0660. A socket that a dead process left is replaced; one that answers is a Conflict. A
// connection may carry many requests, one after the other, each at most kControlRequestMax bytes.
[[nodiscard]] Result<std::unique_ptr<ControlServer>> serve_control(
    Loops& loops, Workers& workers, const std::string& path, ControlHandler handler
);
inline constexpr std::size_t kControlRequestMax = 1024UL * 1024;

// For the command line: blocks until the reply. Unavailable when nobody listens there, Denied when
// the socket's mode says so.
[[nodiscard]] Result<std::string> call_control(
    const std::string& path, const std::string& request, Duration timeout
);

}  // namespace sekisho::net
