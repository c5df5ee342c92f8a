// Event loops and listeners. One loop per core, each with its own listening socket (SO_REUSEPORT).
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "net/stream.h"
#include "net/task.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::net {

class Loops {
  public:
    // `count` threads, one event loop each; 0: one per core. They start at run(). SIGPIPE is
    // ignored from here on: OpenSSL writes to sockets without MSG_NOSIGNAL.
    //
    // Order: everything that has an executor of a loop (listeners, workers, resolvers) is destroyed
    // before the loops are, and after stop().
    [[nodiscard]] static std::unique_ptr<Loops> make(unsigned count);
    virtual ~Loops() = default;
    [[nodiscard]] virtual Executor executor(std::size_t index) = 0;
    [[nodiscard]] virtual std::size_t size() const = 0;
    virtual void run() = 0;   // starts the threads and returns
    virtual void stop() = 0;  // ends them and joins
};

using Accepted = std::function<Task<void>(std::unique_ptr<Stream>)>;

class Listener {
  public:
    virtual ~Listener() = default;
    [[nodiscard]] virtual Endpoint local() const = 0;  // with the real port when 0 was asked for
    virtual void stop() = 0;                           // no new connections; running ones go on
};

struct ListenOptions {
    // For connections that are routed here although they are for other addresses (TPROXY): their
    // local() is where the client wanted to go. Needs CAP_NET_ADMIN.
    bool transparent = false;
};

// Listens on every loop; each connection runs `accepted` as a coroutine of the loop that took it.
// Binding happens here, so that a caller can drop its rights afterwards. `name` is for logs.
[[nodiscard]] Result<std::unique_ptr<Listener>> listen(
    Loops& loops,
    const Endpoint& at,
    std::string name,
    Accepted accepted,
    ListenOptions options = {}
);

// Returns after the time.
Task<void> sleep_for(Executor executor, Duration duration);

// Runs `work` on a pool of threads kept for what blocks (password hashing, databases), resumes the
// caller on its loop.
class Workers {
  public:
    // `nice`: so much less than the loops they ask of the processors (setpriority(2)).
    [[nodiscard]] static std::unique_ptr<Workers> make(unsigned threads, int nice = 0);
    virtual ~Workers() = default;
    virtual void post(std::function<void()> work) = 0;
    [[nodiscard]] virtual std::size_t waiting() const = 0;
    // The destructor runs what is still waiting, so that posted writes aren't lost.
};
template <class T>
Task<T> run_on(Workers& workers, std::function<T()> work);  // net/workers.h defines it

}  // namespace sekisho::net
