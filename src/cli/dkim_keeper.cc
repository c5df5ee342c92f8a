#include "cli/dkim_keeper.h"

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/dkim_ops.h"
#include "config/config.h"
#include "dkim/keys/keyring.h"
#include "dkim/keys/store.h"
#include "dkim/sign.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/workers.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

// A new key's record is looked for more often: the operator is waiting.
constexpr Duration kWaitingInterval{300'000};
constexpr Duration kPoll{1'000};

}  // namespace

struct DkimKeeper::State {
    explicit State(Deps given) : deps(given) {}

    Deps deps;
    std::atomic<bool> stopped{false};

    std::mutex mutex;
    std::shared_ptr<const config::Config> config;
    bool changed = true;  // the configuration, since it was last followed

    // Touched by one step at a time.
    std::int64_t stamp = -1;
    std::set<std::string> gone;  // signing keys without record that were told of

    std::shared_ptr<const config::Config> take_config(bool* was_changed) {
        const std::scoped_lock lock(mutex);
        *was_changed = std::exchange(changed, false);
        return config;
    }

    static net::Task<void> keep(std::shared_ptr<State> self, net::Executor executor);
    static net::Task<Duration> round(
        std::shared_ptr<State> self, std::shared_ptr<const config::Config> in_force
    );
    void load_signer(const config::Config& in_force);
    [[nodiscard]] std::vector<std::string> prepare(const config::Config& in_force);
    [[nodiscard]] bool conclude(const config::Config& in_force, const TxtAnswers& answers);
    void tell(const KeyCheck& check);
};

// On a worker, as the two that follow.
void DkimKeeper::State::load_signer(const config::Config& in_force) {
    const dkim::KeyStore store = key_store(in_force);
    stamp = store.stamp();
    if (!in_force.dkim.sign) {
        deps.signer.set(std::make_shared<const dkim::Signer>());
        return;
    }
    auto signer = dkim::make_signer(
        store, {in_force.mail.domains, dkim_algorithms(in_force), in_force.mail.hostname}
    );
    if (!signer) {
        log::error(
            "DKIM_KEYS_UNREADABLE",
            "the keys can't be read; what signed until now signs on",
            {{"error", signer.error().message}}
        );
        return;
    }
    deps.signer.set(std::move(*signer));
}

// Makes missing keys; the names to ask for.
std::vector<std::string> DkimKeeper::State::prepare(const config::Config& in_force) {
    while (!stopped) {
        const auto made = make_missing_keys(in_force, now());
        if (!made) {
            log::error(
                "DKIM_KEYS_NOT_MADE", "keys can't be made", {{"error", made.error().message}}
            );
            return {};
        }
        for (const dkim::KeyEntry& key : *made) {
            log::info(
                "DKIM_KEY_MADE",
                "a key was made; it signs once its record is in the DNS (sekisho dns)",
                {{"domain", key.domain}, {"selector", key.selector}}
            );
        }
        if (made->empty()) {
            break;
        }
    }
    const auto ring = key_store(in_force).read();
    return ring ? names_to_check(*ring) : std::vector<std::string>{};
}

// Puts the answers in force. True: some key still waits.
bool DkimKeeper::State::conclude(const config::Config& in_force, const TxtAnswers& answers) {
    const auto checks = apply_check(in_force, answers, now());
    if (!checks) {
        log::error(
            "DKIM_CHECK_FAILED",
            "what the DNS says of our keys can't be put in force",
            {{"error", checks.error().message}}
        );
        return true;
    }
    bool waits = false;
    for (const KeyCheck& check : *checks) {
        waits = waits || (check.key.state == dkim::KeyState::Waiting &&
                          check.now != KeyCheck::Now::SignsNow);
        tell(check);
    }
    load_signer(in_force);
    return waits;
}

void DkimKeeper::State::tell(const KeyCheck& check) {
    const std::string record = check.key.dns_name();
    switch (check.now) {
        case KeyCheck::Now::SignsNow:
            log::info(
                "DKIM_KEY_SIGNS", "a key's record is in the DNS: it signs", {{"record", record}}
            );
            break;
        case KeyCheck::Now::Removed:
            log::info(
                "DKIM_KEY_REMOVED",
                "a retired key's time is over: its record may be taken out of the DNS",
                {{"record", record}}
            );
            break;
        case KeyCheck::Now::Signs:
            gone.erase(record);
            break;
        case KeyCheck::Now::RecordIsGone:
            if (gone.insert(record).second) {
                log::warning(
                    "DKIM_RECORD_GONE",
                    "the DNS no longer has the record of a key that signs: others can't verify",
                    {{"record", record}}
                );
            }
            break;
        case KeyCheck::Now::Waits:
        case KeyCheck::Now::Unknown:
            break;
    }
}

// One round: keys, DNS, signer. The time until the next.
net::Task<Duration> DkimKeeper::State::round(
    std::shared_ptr<State> self, std::shared_ptr<const config::Config> in_force
) {
    net::Workers& workers = self->deps.workers;
    if (!in_force->dkim.sign) {
        std::function<void()> off = [self, in_force] { self->load_signer(*in_force); };
        co_await net::run_blocking(workers, std::move(off));
        co_return in_force->dkim.check_interval;
    }
    std::function<std::vector<std::string>()> prepare = [self, in_force] {
        return self->prepare(*in_force);
    };
    auto names = co_await net::run_on<std::vector<std::string>>(workers, std::move(prepare));
    auto answers = co_await look_up_txt(&self->deps.resolver, std::move(names));
    auto kept = std::make_shared<const TxtAnswers>(std::move(answers));
    std::function<bool()> conclude = [self, in_force, kept] {
        return self->conclude(*in_force, *kept);
    };
    const bool waits = co_await net::run_on<bool>(workers, std::move(conclude));
    const Duration interval = in_force->dkim.check_interval;
    co_return waits ? std::min(interval, kWaitingInterval) : interval;
}

net::Task<void> DkimKeeper::State::keep(std::shared_ptr<State> self, net::Executor executor) {
    auto due = std::chrono::steady_clock::now();
    while (!self->stopped) {
        bool changed = false;
        const auto in_force = self->take_config(&changed);
        if (changed || std::chrono::steady_clock::now() >= due) {
            const Duration wait = co_await round(self, in_force);
            due = std::chrono::steady_clock::now() + wait;
        } else {
            // What `sekisho dkim` changed.
            std::function<void()> look = [self, in_force] {
                if (key_store(*in_force).stamp() != self->stamp) {
                    self->load_signer(*in_force);
                }
            };
            co_await net::run_blocking(self->deps.workers, std::move(look));
        }
        co_await net::sleep_for(executor, kPoll);
    }
}

DkimKeeper::DkimKeeper(const config::Config& config, Deps deps)
    : state_(std::make_shared<State>(deps)) {
    state_->config = std::make_shared<const config::Config>(config);
}

DkimKeeper::~DkimKeeper() {
    stop();
}

void DkimKeeper::stop() {
    state_->stopped = true;
}

void DkimKeeper::follow(const config::Config& config) {
    const std::scoped_lock lock(state_->mutex);
    state_->config = std::make_shared<const config::Config>(config);
    state_->changed = true;
}

void DkimKeeper::start() {
    state_->load_signer(*state_->config);
    const net::Executor executor = state_->deps.loops.executor(0);
    net::spawn(executor, State::keep(state_, executor), "dkim keeper");
}

}  // namespace sekisho::cli
