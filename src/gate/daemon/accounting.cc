#include "gate/daemon/accounting.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/time.h"
#include "line/radius.h"
#include "line/radius_forward.h"
#include "net/server.h"
#include "net/udp.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::chrono::milliseconds kTick{100};

std::vector<line::AccountingReceiver::Client> clients_of(const config::Config& config) {
    std::vector<line::AccountingReceiver::Client> clients;
    for (const config::Radius::Client& one : config.radius.clients) {
        clients.push_back({one.from, one.secret});
    }
    return clients;
}

class Listener final : public Accounting {
  public:
    Listener(const config::Config& config, line::LineStore& lines)
        : receiver_({clients_of(config)}, lines),
          forwarder_(
              {config.radius.forward, config.radius.forward_secret, config.radius.forward_timeout}
          ),
          loops_(net::Loops::make(1)),
          workers_(net::Workers::make(1)) {}
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() override {
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        if (ticking_.joinable()) {
            ticking_.join();
        }
        loops_->stop();
        servers_.clear();
        workers_.reset();
        upstream_.clear();
    }

    Status listen(const config::Config& config) {
        for (std::size_t i = 0; i < config.radius.forward.size(); ++i) {
            if (Status opened = open_upstream(i, config.radius.forward[i]); !opened) {
                return opened;
            }
        }
        for (const Endpoint& at : config.radius.listen) {
            auto server = net::serve_udp_deferred(
                *loops_,
                *workers_,
                at,
                "RADIUS accounting",
                [this](std::string_view bytes, const Endpoint& from, net::UdpReply reply) {
                    handle(bytes, from, std::move(reply));
                }
            );
            if (!server) {
                return fail(server.error());
            }
            servers_.push_back(std::move(*server));
        }
        if (!upstream_.empty()) {
            ticking_ = std::thread([this] { tick(); });
        }
        loops_->run();
        return {};
    }

    void reload(const config::Config& config) override {
        const std::scoped_lock lock(mutex_);
        receiver_.set_clients(clients_of(config));
    }

    nlohmann::ordered_json status() override {
        const std::scoped_lock lock(mutex_);
        const auto& c = receiver_.counters();
        nlohmann::ordered_json out{
            {"received", c.received},
            {"answered", c.answered},
            {"unknown_client", c.unknown_client},
            {"bad_authenticator", c.bad_authenticator},
            {"malformed", c.malformed},
            {"starts", c.starts},
            {"interims", c.interims},
            {"stops", c.stops},
            {"nas_restarts", c.nas_restarts},
            {"store_failures", c.store_failures}
        };
        if (!upstream_.empty()) {
            out["forward"] = forward_status();
        }
        return out;
    }

    std::vector<std::string> endpoints() const override {
        std::vector<std::string> out;
        out.reserve(servers_.size());
        for (const auto& one : servers_) {
            out.push_back(one->local().text());
        }
        return out;
    }

  private:
    // A port of our own for each server, so that its ids are ours alone.
    Status open_upstream(std::size_t number, const Endpoint& at) {
        const Endpoint any{at.address.is_v4() ? IpAddress{} : IpAddress::v6({}), 0};
        auto server = net::serve_udp(
            *loops_,
            *workers_,
            any,
            "RADIUS forwarding",
            [this,
             number,
             at](std::string_view bytes, const Endpoint& from) -> std::optional<std::string> {
                if (from == at) {
                    const std::scoped_lock lock(mutex_);
                    forwarder_.response(number, bytes, now());
                }
                return std::nullopt;
            }
        );
        if (!server) {
            return fail(server.error());
        }
        upstream_.push_back(std::move(*server));
        return {};
    }

    nlohmann::ordered_json forward_status() {
        const auto& c = forwarder_.counters();
        nlohmann::ordered_json out{
            {"forwarded", c.forwarded},
            {"answered", c.answered},
            {"timeouts", c.timeouts},
            {"given_up", c.given_up},
            {"bad_answers", c.bad_answers},
            {"servers", nlohmann::ordered_json::array()}
        };
        for (std::size_t i = 0; i < upstream_.size(); ++i) {
            out["servers"].push_back(
                {{"server", forwarder_.options().servers[i].text()},
                 {"silent", forwarder_.is_resting(i, now())}}
            );
        }
        return out;
    }

    void handle(std::string_view bytes, const Endpoint& from, net::UdpReply reply) {
        const std::scoped_lock lock(mutex_);
        if (upstream_.empty()) {
            if (auto answer = receiver_.handle(bytes, from.address, now())) {
                reply(std::move(*answer));
            } else {
                dropped(from);
            }
            return;
        }
        auto taken = receiver_.take(bytes, from.address, now());
        if (!taken) {
            return dropped(from);
        }
        if (!taken->kept) {
            // The operator's own accounting doesn't depend on ours.
            log::warning(
                "RADIUS_NOT_KEPT",
                "an accounting packet is forwarded, but not kept",
                {{"peer", from.text()}, {"error", receiver_.last_error()}}
            );
        }
        send(forwarder_.forward(
            {std::string{bytes}, std::move(taken->request), from, taken->secret, std::move(reply)},
            now()
        ));
    }

    void dropped(const Endpoint& from) {
        log::warning(
            "RADIUS_DROPPED",
            "an accounting packet is dropped",
            {{"peer", from.text()}, {"error", receiver_.last_error()}}
        );
    }

    void send(const std::optional<line::AccountingForwarder::Send>& one) {
        if (one) {
            upstream_[one->server]->send(forwarder_.options().servers[one->server], one->bytes);
        }
    }

    void tick() {
        std::unique_lock lock(mutex_);
        while (!wake_.wait_for(lock, kTick, [this] { return stopping_; })) {
            for (const auto& one : forwarder_.tick(now())) {
                send(one);
            }
        }
    }

    std::mutex mutex_;  // over receiver_, forwarder_ and stopping_
    line::AccountingReceiver receiver_;
    line::AccountingForwarder forwarder_;
    std::unique_ptr<net::Loops> loops_;
    std::unique_ptr<net::Workers> workers_;
    std::vector<std::unique_ptr<net::UdpServer>> servers_;
    std::vector<std::unique_ptr<net::UdpServer>> upstream_;  // one for each server we forward to
    bool stopping_ = false;
    std::condition_variable wake_;
    std::thread ticking_;
};

}  // namespace

Result<std::unique_ptr<Accounting>> Accounting::start(
    const config::Config& config, line::LineStore& lines
) {
    if (config.radius.listen.empty()) {
        return std::unique_ptr<Accounting>{};
    }
    auto listener = std::make_unique<Listener>(config, lines);
    if (Status listening = listener->listen(config); !listening) {
        return fail(listening.error());
    }
    return std::unique_ptr<Accounting>(std::move(listener));
}

}  // namespace sekisho::gate
