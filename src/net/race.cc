#include "net/race.h"

#include "base/assert.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/callback.h"
#include "net/stream.h"
#include "net/task.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;

// All of it runs on one executor, so there is no lock.
class Race : public std::enable_shared_from_this<Race> {
  public:
    Race(const Executor& executor, std::vector<Path> paths, Duration delay, Duration timeout)
        : executor_(executor),
          paths_(std::move(paths)),
          delay_(delay),
          timeout_(timeout),
          timer_(executor_) {}

    void start(std::function<void(Raced)> done) {
        done_ = std::move(done);
        start_next();
    }

  private:
    struct Attempt {
        asio::cancellation_signal give_up;
        bool runs = true;
    };

    void start_next() {
        const std::size_t at = attempts_.size();
        Attempt& attempt = attempts_.emplace_back();
        auto ended = [self = shared_from_this(), at](
                         const std::exception_ptr& problem, Result<std::unique_ptr<Stream>> stream
                     ) {
            if (problem) {
                stream = fail(Errc::Unavailable, "connecting ended with an exception");
            }
            self->take(at, std::move(stream));
        };
        asio::co_spawn(
            executor_,
            connect(executor_, paths_[at].to, paths_[at].from, timeout_),
            asio::bind_cancellation_slot(attempt.give_up.slot(), std::move(ended))
        );
        if (attempts_.size() < paths_.size()) {
            timer_.expires_after(std::chrono::milliseconds(delay_.count()));
            timer_.async_wait([self = shared_from_this(), at](const auto& error) {
                // Nobody ended meanwhile: an end starts the next one by itself.
                if (!error && self->done_ && self->attempts_.size() == at + 1) {
                    self->start_next();
                }
            });
        }
    }

    void take(std::size_t at, Result<std::unique_ptr<Stream>> stream) {
        attempts_[at].runs = false;
        if (!done_) {
            return;  // somebody else was first; the stream ends here
        }
        if (stream) {
            result_.stream = std::move(*stream);
            result_.at = at;
            finish();
            return;
        }
        result_.failed.push_back({.at = at, .error = std::move(stream.error())});
        if (attempts_.size() < paths_.size()) {
            timer_.cancel();
            start_next();
        } else if (result_.failed.size() == paths_.size()) {
            finish();
        }
    }

    void finish() {
        timer_.cancel();
        const std::function<void(Raced)> done = std::exchange(done_, nullptr);
        for (Attempt& attempt : attempts_) {
            if (attempt.runs) {
                attempt.give_up.emit(asio::cancellation_type::terminal);
            }
        }
        done(std::move(result_));
    }

    Executor executor_;
    std::vector<Path> paths_;
    Duration delay_, timeout_;
    asio::steady_timer timer_;
    std::function<void(Raced)> done_;  // null: it is over
    std::deque<Attempt> attempts_;     // as `paths_`, as far as they have begun
    Raced result_;
};

}  // namespace

Task<Raced> connect_race(
    Executor executor, std::vector<Path> paths, Duration delay, Duration timeout
) {
    SEKISHO_ASSERT(!paths.empty());
    // The race isn't kept here: it holds this task.
    std::function<void(std::function<void(Raced)>)> begin =
        [executor, paths = std::move(paths), delay, timeout](std::function<void(Raced)> done) {
            std::make_shared<Race>(executor, paths, delay, timeout)->start(std::move(done));
        };
    Raced raced = co_await from_callback<Raced>(std::move(begin));
    co_return raced;
}

std::vector<IpAddress> interleaved(const std::vector<IpAddress>& addresses) {
    std::vector<IpAddress> first;
    std::vector<IpAddress> other;
    for (const IpAddress& one : addresses) {
        (one.is_v4() == addresses.front().is_v4() ? first : other).push_back(one);
    }
    std::vector<IpAddress> result;
    for (std::size_t i = 0; i < first.size() || i < other.size(); ++i) {
        if (i < first.size()) {
            result.push_back(first[i]);
        }
        if (i < other.size()) {
            result.push_back(other[i]);
        }
    }
    return result;
}

}  // namespace sekisho::net
