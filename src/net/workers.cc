#include "net/workers.h"

#include "base/log.h"
#include "net/server.h"
#include "net/task.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <sys/resource.h>
#include <sys/types.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;

class ThreadWorkers final : public Workers {
  public:
    ThreadWorkers(unsigned threads, int nice) {
        for (unsigned i = 0; i < std::max(threads, 1U); ++i) {
            threads_.emplace_back([this, nice] {
                if (nice != 0) {  // of this thread only, on Linux; without it the work is done, too
                    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
                }
                run();
            });
        }
    }
    ThreadWorkers(const ThreadWorkers&) = delete;
    ThreadWorkers& operator=(const ThreadWorkers&) = delete;
    ~ThreadWorkers() override {
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

    void post(std::function<void()> work) override {
        {
            const std::scoped_lock lock(mutex_);
            queue_.push_back(std::move(work));
        }
        changed_.notify_one();
    }

    [[nodiscard]] std::size_t waiting() const override {
        const std::scoped_lock lock(mutex_);
        return queue_.size();
    }

  private:
    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) {
                return;
            }
            {
                const std::function<void()> work = std::move(queue_.front());
                queue_.pop_front();
                lock.unlock();
                perform(work);
            }
            lock.lock();
        }
    }

    static void perform(const std::function<void()>& work) {
        try {
            work();
        } catch (const std::exception& error) {
            log::error(
                "NET_WORK_FAILED", "posted work ended with an exception", {{"error", error.what()}}
            );
        } catch (...) {
            log::error("NET_WORK_FAILED", "posted work ended with an exception of unknown type");
        }
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Workers> Workers::make(unsigned threads, int nice) {
    return std::make_unique<ThreadWorkers>(threads, nice);
}

Task<void> run_blocking(Workers& workers, std::function<void()> work) {
    auto start = [&workers, work = std::move(work)](auto handler) mutable {
        // std::function wants something copyable.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        workers.post([shared = std::move(shared), work = std::move(work)]() mutable {
            std::exception_ptr problem;
            try {
                work();
            } catch (...) {
                problem = std::current_exception();
            }
            work = nullptr;
            auto executor = asio::get_associated_executor(*shared);
            // Moved, so that the exception is freed where it was read.
            asio::post(
                executor,
                [shared = std::move(shared), problem = std::move(problem)]() mutable {
                    std::move (*shared)(std::move(problem));
                }
            );
        });
    };
    auto token = asio::use_awaitable;
    co_await asio::async_initiate<decltype(token), void(std::exception_ptr)>(
        std::move(start), token
    );
}

}  // namespace sekisho::net
