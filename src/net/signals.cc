#include "net/signals.h"

#include "net/task.h"

#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;

// The set isn't safe to use from two threads, and the handle may be destroyed on any.
struct Watch : std::enable_shared_from_this<Watch> {
    Watch(const Executor& executor, std::function<void(int)> call)
        : set(executor), handler(std::move(call)) {}

    void wait() {
        set.async_wait([self = shared_from_this()](boost::system::error_code error, int signal) {
            const std::unique_lock lock(self->mutex);
            if (error || self->stopped) {
                return;
            }
            self->handler(signal);
            self->wait();
        });
    }

    std::recursive_mutex mutex;  // the handler may destroy the handle
    asio::signal_set set;
    std::function<void(int)> handler;
    bool stopped = false;
};

class SignalWatch final : public Signals {
  public:
    explicit SignalWatch(std::shared_ptr<Watch> watch) : watch_(std::move(watch)) {}
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;
    ~SignalWatch() override {
        const std::unique_lock lock(watch_->mutex);
        watch_->stopped = true;
        boost::system::error_code ignored;
        watch_->set.clear(ignored);
        watch_->set.cancel(ignored);
    }

  private:
    std::shared_ptr<Watch> watch_;
};

}  // namespace

std::unique_ptr<Signals> on_signals(
    const Executor& executor, const std::vector<int>& signals, std::function<void(int)> handler
) {
    auto watch = std::make_shared<Watch>(executor, std::move(handler));
    for (const int signal : signals) {
        watch->set.add(signal);
    }
    watch->wait();
    return std::make_unique<SignalWatch>(std::move(watch));
}

}  // namespace sekisho::net
