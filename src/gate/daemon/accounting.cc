#include "gate/daemon/accounting.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/time.h"
#include "line/radius.h"
#include "net/server.h"
#include "net/udp.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

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
          loops_(net::Loops::make(1)),
          workers_(net::Workers::make(1)) {}
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() override {
        loops_->stop();
        servers_.clear();
        workers_.reset();
    }

    Status listen(const config::Config& config) {
        for (const Endpoint& at : config.radius.listen) {
            auto server = net::serve_udp(
                *loops_,
                *workers_,
                at,
                "RADIUS accounting",
                [this](std::string_view bytes, const Endpoint& from) { return handle(bytes, from); }
            );
            if (!server) {
                return fail(server.error());
            }
            servers_.push_back(std::move(*server));
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
        return {
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
    std::optional<std::string> handle(std::string_view bytes, const Endpoint& from) {
        const std::scoped_lock lock(mutex_);
        auto reply = receiver_.handle(bytes, from.address, now());
        if (!reply) {
            log::warning(
                "RADIUS_DROPPED",
                "an accounting packet is dropped",
                {{"peer", from.text()}, {"error", receiver_.last_error()}}
            );
        }
        return reply;
    }

    std::mutex mutex_;  // over receiver_
    line::AccountingReceiver receiver_;
    std::unique_ptr<net::Loops> loops_;
    std::unique_ptr<net::Workers> workers_;
    std::vector<std::unique_ptr<net::UdpServer>> servers_;
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
