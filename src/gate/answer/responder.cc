#include "gate/answer/responder.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "gate/answer/dialogue.h"
#include "limit/connections.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/workers.h"
#include "smtp/reply.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::gate {
namespace {

constexpr Duration kLinger{2'000};

// What connections share; each holds it up to its end.
struct Shared {
    Shared(const ResponderLimits& limits_in, Responder::Why why_in, net::Workers& workers_in)
        : limits(limits_in), why(std::move(why_in)), workers(workers_in) {}

    [[nodiscard]] ResponderLimits current() {
        const std::lock_guard lock(mutex);
        return limits;
    }

    std::mutex mutex;
    ResponderLimits limits;
    const Responder::Why why;
    limit::Connections connections;
    std::atomic<std::uint64_t> answered = 0, crowded = 0;
    net::Workers& workers;  // outlive the loop
};

// Time that is left of the connection, as Stream wants it.
class Deadline {
  public:
    explicit Deadline(Duration whole) : end_(std::chrono::steady_clock::now() + whole) {}
    [[nodiscard]] Duration left() const {
        const auto left =
            std::chrono::duration_cast<Duration>(end_ - std::chrono::steady_clock::now());
        return std::max(left, Duration{0});
    }

  private:
    std::chrono::steady_clock::time_point end_;
};

net::Task<void> tell(
    std::shared_ptr<Shared> shared, std::unique_ptr<net::Stream> stream, Duration timeout
) {
    const Deadline deadline(timeout);
    const Endpoint client = stream->peer();
    const Endpoint server = stream->local();
    std::function<smtp::Reply()> work = [shared, client, server] {
        return shared->why(client, server);
    };
    smtp::Reply why = co_await net::run_on(shared->workers, std::move(work));
    Dialogue dialogue(std::move(why));
    const std::string greeting = dialogue.greeting();
    stream->expires_after(deadline.left());
    const Status greeted = co_await stream->write_all(greeting);
    ++shared->answered;
    if (!greeted) {
        co_return;
    }
    std::array<char, 1024> buffer{};
    while (!dialogue.over()) {
        stream->expires_after(deadline.left());
        const Result<std::size_t> got = co_await stream->read_some(buffer);
        if (!got) {
            break;  // the client has gone, or its time is over
        }
        const std::string said = dialogue.receive(std::string_view(buffer.data(), *got));
        stream->expires_after(deadline.left());
        const Status written = co_await stream->write_all(said);
        if (!written) {
            co_return;
        }
    }
    co_await stream->linger(std::min(kLinger, deadline.left()));
}

net::Task<void> take(std::shared_ptr<Shared> shared, std::unique_ptr<net::Stream> stream) {
    const ResponderLimits limits = shared->current();
    const auto place = shared->connections.enter(
        stream->peer().address, limits.connections_max, limits.per_client_max
    );
    if (!place) {
        ++shared->crowded;
        stream->close();
        co_return;
    }
    co_await tell(shared, std::move(stream), limits.timeout);
}

class Listening final : public Responder {
  public:
    Listening(const ResponderLimits& limits, Why why)
        : workers_(net::Workers::make(1)),
          shared_(std::make_shared<Shared>(limits, std::move(why), *workers_)) {}
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    ~Listening() override {
        loops_->stop();
        v4_.reset();
        v6_.reset();
        workers_.reset();  // what they run may end on the loop
        loops_.reset();
    }

    [[nodiscard]] Status begin() {
        auto v4 = listen_on("127.0.0.1");
        if (!v4) {
            return fail(v4.error());
        }
        v4_ = std::move(*v4);
        if (auto v6 = listen_on("::1")) {
            v6_ = std::move(*v6);
        } else {
            log::info(
                "GATE_ANSWER_NO_IPV6",
                "connections over IPv6 are refused, not answered",
                {{"error", v6.error().message}}
            );
        }
        loops_->run();
        return {};
    }

    [[nodiscard]] std::uint16_t port_v4() const override { return v4_->local().port; }
    [[nodiscard]] std::uint16_t port_v6() const override { return v6_ ? v6_->local().port : 0; }
    void set_limits(const ResponderLimits& limits) override {
        const std::lock_guard lock(shared_->mutex);
        shared_->limits = limits;
    }
    [[nodiscard]] Figures figures() const override {
        return {shared_->answered, shared_->crowded, shared_->connections.total()};
    }

  private:
    [[nodiscard]] Result<std::unique_ptr<net::Listener>> listen_on(const char* address) {
        return net::listen(
            *loops_,
            {*IpAddress::parse(address), 0},
            "gate answer",
            [shared = shared_](std::unique_ptr<net::Stream> stream) {
                return take(shared, std::move(stream));
            },
            {.transparent = true}
        );
    }

    std::unique_ptr<net::Workers> workers_;
    const std::shared_ptr<Shared> shared_;
    std::unique_ptr<net::Loops> loops_ = net::Loops::make(1);
    std::unique_ptr<net::Listener> v4_, v6_;
};

}  // namespace

Result<std::unique_ptr<Responder>> Responder::start(const ResponderLimits& limits, Why why) {
    auto out = std::make_unique<Listening>(limits, std::move(why));
    if (Status begun = out->begin(); !begun) {
        return fail(begun.error());
    }
    return out;
}

}  // namespace sekisho::gate
