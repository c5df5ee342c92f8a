#include "delivery/connections.h"

#include "delivery/pool.h"
#include "delivery/smtp_client.h"
#include "net/task.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {

namespace asio = boost::asio;

class KeptConnections final : public Connections,
                              public std::enable_shared_from_this<KeptConnections> {
  public:
    KeptConnections(const net::Executor& home, Pool::Limits limits)
        : home_(home), timer_(home), pool_(limits) {}

    Taken take(const std::string& place, const std::string& to) override {
        Taken taken;
        const std::scoped_lock lock(mutex_);
        if (const auto id = pool_.take(place, to)) {
            taken.connection = remove(*id);
            taken.use = Use(shared_from_this(), place);
        }
        return taken;
    }

    [[nodiscard]] bool has(const std::string& place, const std::string& to) const override {
        const std::scoped_lock lock(mutex_);
        return pool_.has(place, to);
    }

    Use opening(const std::string& place) override {
        std::vector<std::shared_ptr<Connection>> leaving;
        {
            const std::scoped_lock lock(mutex_);
            leaving = remove(pool_.opening(place));
        }
        dismiss(leaving);
        return {shared_from_this(), place};
    }

    void give(Use use, std::string to, std::shared_ptr<Connection> connection) override {
        Pool::Idle idle;
        idle.place = use.place_;
        idle.to = std::move(to);
        idle.messages = connection->messages();
        idle.since = Pool::Clock::now();
        bool kept = false;
        {
            const std::scoped_lock lock(mutex_);
            idle.id = ++last_;
            kept = pool_.keep(idle);
            if (kept) {
                open_[idle.id] = connection;
                use.connections_.reset();  // it is counted as idle now
            }
        }
        if (!kept) {
            dismiss({std::move(connection)});
            return;
        }
        asio::post(home_, [self = shared_from_this()] { self->look(); });
    }

    void set_limits(Pool::Limits limits) override {
        std::vector<std::shared_ptr<Connection>> leaving;
        {
            const std::scoped_lock lock(mutex_);
            leaving = remove(pool_.set_limits(limits));
        }
        dismiss(leaving);
        asio::post(home_, [self = shared_from_this()] {
            self->waiting_ = false;
            self->timer_.cancel();
            self->look();
        });
    }

    void close() override {
        std::vector<std::shared_ptr<Connection>> leaving;
        {
            const std::scoped_lock lock(mutex_);
            leaving = remove(pool_.close());
        }
        dismiss(leaving);
        asio::post(home_, [self = shared_from_this()] { self->timer_.cancel(); });
    }

    [[nodiscard]] std::map<std::string, std::size_t> kept_by_place() const override {
        const std::scoped_lock lock(mutex_);
        return pool_.kept_by_place();
    }

  protected:
    void gone(const std::string& place) override {
        const std::scoped_lock lock(mutex_);
        pool_.gone(place);
    }

  private:
    // On home_: the timer runs while something is idle. The longest idle one goes first, so what is
    // added later never has to go before the timer's end.
    void look() {
        std::vector<std::shared_ptr<Connection>> leaving;
        std::optional<Pool::Clock::time_point> next;
        {
            const std::scoped_lock lock(mutex_);
            leaving = remove(pool_.expired(Pool::Clock::now()));
            next = pool_.next_expiry();
        }
        dismiss(leaving);
        if (!next || waiting_) {
            return;
        }
        waiting_ = true;
        timer_.expires_at(*next);
        timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) {
                self->waiting_ = false;
                self->look();
            }
        });
    }

    std::shared_ptr<Connection> remove(Pool::Id id) {
        auto node = open_.extract(id);
        return std::move(node.mapped());
    }
    std::vector<std::shared_ptr<Connection>> remove(const std::vector<Pool::Id>& ids) {
        std::vector<std::shared_ptr<Connection>> result;
        for (const Pool::Id id : ids) {
            result.push_back(remove(id));
        }
        return result;
    }

    // Each on its own executor, which alone may touch it.
    static void dismiss(const std::vector<std::shared_ptr<Connection>>& leaving) {
        for (const auto& connection : leaving) {
            net::spawn(connection->executor(), goodbye(connection), "the end of a connection");
        }
    }
    static net::Task<void> goodbye(std::shared_ptr<Connection> connection) {
        co_await connection->quit();
    }

    net::Executor home_;
    asio::steady_timer timer_;
    bool waiting_ = false;
    mutable std::mutex mutex_;
    Pool pool_;
    std::map<Pool::Id, std::shared_ptr<Connection>> open_;
    Pool::Id last_ = 0;
};

std::shared_ptr<Connections> Connections::make(const net::Executor& home, Pool::Limits limits) {
    return std::make_shared<KeptConnections>(home, limits);
}

Connections::Use::Use(std::shared_ptr<Connections> connections, std::string place)
    : connections_(std::move(connections)), place_(std::move(place)) {}

Connections::Use& Connections::Use::operator=(Use&& other) noexcept {
    if (this != &other) {
        end();
        connections_ = std::move(other.connections_);
        place_ = std::move(other.place_);
    }
    return *this;
}

Connections::Use::~Use() {
    end();
}

void Connections::Use::end() {
    if (connections_) {
        connections_->gone(place_);
        connections_.reset();
    }
}

}  // namespace sekisho::delivery
