// The pump: due messages out of the spool, a task each; a timer for the next.
#include "delivery/deliverer.h"

#include "base/log.h"
#include "base/time.h"
#include "delivery/connections.h"
#include "delivery/engine.h"
#include "delivery/pool.h"
#include "delivery/route.h"
#include "delivery/slots.h"
#include "net/task.h"
#include "queue/lane.h"
#include "queue/schedule.h"
#include "queue/spool.h"
#include "queue/suspension.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::delivery {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMessagesMax = queue::kInDeliveryMax;
// Messages taken in one turn; then other work of the loop has its turn.
constexpr std::size_t kTurnMax = 256;
// A suspended message is looked at again after this.
constexpr Duration kSuspendedWait{3'600'000};
// The timer is set again at least this often, should the wall clock be moved.
constexpr Duration kLookAgain{60'000};

Slots::Limits limits_of(const Options& options) {
    return {.total = options.concurrency, .per_destination = options.concurrency_per_destination};
}

// MX look-ups at once; the rest waits, round the domains.
constexpr Slots::Limits kLookups{.total = 200, .per_destination = 10};

Pool::Limits kept_limits(const Options& options) {
    Pool::Limits limits;
    limits.total = options.concurrency;
    limits.per_place = options.concurrency_per_destination;
    limits.messages = options.connection_messages_max;
    limits.idle = options.connection_idle;
    return limits;
}

// Set when the account, or the domains of all who still wait for the message, are suspended.
std::optional<Time> suspended_until(
    const queue::Suspensions* suspensions, const queue::Entry& entry, Time at
) {
    using Of = queue::Suspension::Of;
    if (suspensions == nullptr || suspensions->empty()) {
        return std::nullopt;
    }
    Time until = at + kSuspendedWait;
    const auto stopped = [&](Of of, const std::string& name) {
        const auto found = suspensions->find(of, name, at);
        if (found && found->until) {
            until = std::min(until, *found->until);
        }
        return found.has_value();
    };
    if (!entry.envelope.account.empty() && stopped(Of::Account, entry.envelope.account)) {
        return until;
    }
    const bool all = std::ranges::all_of(entry.envelope.recipients, [&](const auto& to) {
        return to.state != queue::RecipientState::Pending ||
               stopped(Of::Domain, domain_of(to.address));
    });
    return all ? std::optional(until) : std::nullopt;
}

// With an operator's route, a server or the name of a [[route]], everything of the message goes
// there, mail for our own domains too.
std::shared_ptr<const Options> rerouted(
    std::shared_ptr<const Options> options, const std::string& route
) {
    if (route.empty()) {
        return options;
    }
    auto own = std::make_shared<Options>(*options);
    own->route.domains.clear();
    const auto rule = std::ranges::find(options->route.routes, route, &RouteRule::name);
    own->route.routes.clear();
    if (rule == options->route.routes.end()) {
        own->route.smarthost = route;
        return own;
    }
    RouteRule always = *rule;
    always.domains = {"*"};
    always.senders.clear();
    always.accounts.clear();
    own->route.routes.push_back(std::move(always));
    return own;
}

class Pump : public std::enable_shared_from_this<Pump> {
  public:
    Pump(Deps deps, Options options)
        : shop_(std::make_shared<Shop>(std::move(deps))),
          options_(std::make_shared<const Options>(std::move(options))),
          home_(shop_->deps.loops.executor(0)),
          timer_(home_) {
        shop_->slots = Slots::make(
            limits_of(*options_),
            [home = home_](Duration wait, std::function<void()> call) {
                auto timer = std::make_shared<asio::steady_timer>(home, wait);
                timer->async_wait([timer, call](const boost::system::error_code& error) {
                    if (!error) {
                        call();
                    }
                });
            }
        );
        shop_->lookups = Slots::make(kLookups);
        shop_->connections = Connections::make(home_, kept_limits(*options_));
    }

    void start() {
        shop_->deps.spool.on_wake([weak = weak_from_this()] {
            if (const auto self = weak.lock()) {
                self->wake();
            }
        });
        wake();
    }

    void stop(Duration grace) {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        lock.unlock();
        shop_->lookups->close();
        shop_->slots->close();
        shop_->connections->close();
        lock.lock();
        idle_.wait_for(lock, grace, [this] { return in_delivery_ == 0; });
        lock.unlock();
        asio::post(home_, [self = shared_from_this()] { self->timer_.cancel(); });
    }

    void reload(Options options) {
        shop_->slots->set_limits(limits_of(options));
        shop_->connections->set_limits(kept_limits(options));
        const std::scoped_lock lock(mutex_);
        options_ = std::make_shared<const Options>(std::move(options));
    }

    [[nodiscard]] const AtomicCounters& times() const { return shop_->counters; }
    [[nodiscard]] Deliverer::Counters counters() const {
        const AtomicCounters& from = shop_->counters;
        Deliverer::Counters result;
        result.delivered_total = from.delivered;
        result.deferred_total = from.deferred;
        result.bounced_total = from.bounced;
        result.expired_total = from.expired;
        result.attempts_total = from.attempts;
        result.reused_total = from.reused;
        result.tls_total = from.tls;
        result.tls_failed_total = from.tls_failed;
        result.notices_total = from.notices;
        const std::scoped_lock lock(mutex_);
        result.in_delivery = in_delivery_;
        return result;
    }

    struct Place {
        Slots::Use use;
        std::size_t kept = 0;  // connections without work
    };
    [[nodiscard]] std::map<std::string, Place> places() const {
        std::map<std::string, Place> result;
        for (const auto& [name, use] : shop_->slots->use()) {
            result[name].use = use;
        }
        for (const auto& [name, kept] : shop_->connections->kept_by_place()) {
            result[name].kept = kept;
        }
        return result;
    }

  private:
    // From any thread.
    void wake() {
        asio::post(home_, [self = shared_from_this()] { self->turn(); });
    }

    // On home_: takes what is due, then waits for what will be.
    void turn() {
        const std::size_t loops = shop_->deps.loops.size();
        for (std::size_t taken = 0;; ++taken) {
            if (taken == kTurnMax) {
                wake();
                return;
            }
            std::shared_ptr<const Options> options;
            {
                const std::scoped_lock lock(mutex_);
                if (stopping_ || in_delivery_ >= kMessagesMax) {
                    return;
                }
                options = options_;
            }
            const Time at = now();
            auto entry = shop_->deps.spool.take_due(at);
            if (!entry) {
                break;
            }
            if (const auto until = suspended_until(shop_->deps.suspensions, *entry, at)) {
                shop_->deps.spool.give_back(entry->envelope.queue_id, *until);
                continue;
            }
            shop_->counters.late.count(at - entry->due);
            auto job = std::make_shared<Job>();
            job->shop = shop_;
            job->options = rerouted(std::move(options), entry->envelope.route);
            job->entry = std::move(*entry);
            const queue::Lane lane = queue::lane_of(job->entry.envelope);
            job->claim = {.owner = lane.owner, .grade = job->entry.grade};
            job->executor = shop_->deps.loops.executor(next_loop_++ % loops);
            {
                const std::scoped_lock lock(mutex_);
                ++in_delivery_;
            }
            const net::Executor executor = job->executor;
            net::spawn(executor, run(shared_from_this(), std::move(job)), "delivery");
        }
        wait();
    }

    void wait() {
        const auto due = shop_->deps.spool.next_due();
        const Duration until = due ? *due - now() : kLookAgain;
        timer_.expires_after(std::clamp(until, Duration{1}, kLookAgain));
        timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) {
                self->turn();
            }
        });
    }

    static net::Task<void> run(std::shared_ptr<Pump> self, std::shared_ptr<Job> job) {
        try {
            co_await run_job(std::move(job));
        } catch (const std::exception& error) {
            log::error(
                "DELIVERY_FAILED_INSIDE", "a try ended with an exception", {{"error", error.what()}}
            );
        }
        bool was_full = false;
        {
            const std::scoped_lock lock(self->mutex_);
            was_full = self->in_delivery_ >= kMessagesMax;
            --self->in_delivery_;
            if (self->in_delivery_ == 0) {
                self->idle_.notify_all();
            }
        }
        if (was_full) {
            self->wake();
        }
    }

    std::shared_ptr<Shop> shop_;
    std::shared_ptr<const Options> options_;
    net::Executor home_;
    asio::steady_timer timer_;
    std::size_t next_loop_ = 0;
    mutable std::mutex mutex_;
    std::condition_variable idle_;
    std::uint64_t in_delivery_ = 0;
    bool stopping_ = false;
};

class SpoolDeliverer final : public Deliverer {
  public:
    SpoolDeliverer(Deps deps, Options options)
        : pump_(std::make_shared<Pump>(std::move(deps), std::move(options))) {}
    SpoolDeliverer(const SpoolDeliverer&) = delete;
    SpoolDeliverer& operator=(const SpoolDeliverer&) = delete;
    ~SpoolDeliverer() override { pump_->stop(Duration{0}); }

    void start() override { pump_->start(); }
    void stop(Duration grace) override { pump_->stop(grace); }
    void reload(Options options) override { pump_->reload(std::move(options)); }
    [[nodiscard]] Counters counters() const override { return pump_->counters(); }

    [[nodiscard]] std::string status_json() const override {
        const Counters c = pump_->counters();
        nlohmann::json status{
            {"delivered_total", c.delivered_total},
            {"deferred_total", c.deferred_total},
            {"bounced_total", c.bounced_total},
            {"expired_total", c.expired_total},
            {"attempts_total", c.attempts_total},
            {"reused_total", c.reused_total},
            {"tls_total", c.tls_total},
            {"tls_failed_total", c.tls_failed_total},
            {"notices_total", c.notices_total},
            {"in_delivery", c.in_delivery},
            {"late_seconds", pump_->times().late.json()},
            {"try_seconds", pump_->times().tries.json()},
            {"arrived_seconds", pump_->times().arrived.json()},
            {"destinations", nlohmann::json::array()},
        };
        for (const auto& [name, place] : pump_->places()) {
            status["destinations"].push_back(
                {{"place", name},
                 {"active", place.use.active},
                 {"waiting", place.use.waiting},
                 {"kept", place.kept},
                 {"limit", place.use.limit},
                 {"pause_seconds", static_cast<double>(place.use.pause.count()) / 1000},
                 {"slowed_by", place.use.slowed_by}}
            );
        }
        return status.dump();
    }

  private:
    std::shared_ptr<Pump> pump_;
};

}  // namespace

std::unique_ptr<Deliverer> Deliverer::make(Deps deps, Options options) {
    return std::make_unique<SpoolDeliverer>(std::move(deps), std::move(options));
}

}  // namespace sekisho::delivery
