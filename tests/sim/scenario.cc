#include "sim/scenario.h"

#include "base/result.h"
#include "base/time.h"
#include "queue/spool.h"
#include "sim/ledger.h"
#include "sim/machine.h"
#include "sim/network.h"
#include "sim/world.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace sekisho::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Action = queue::Order::Action;

constexpr Duration kSending = minutes(40);
constexpr Duration kTrouble = minutes(60);
constexpr Duration kEnd = hours(4);  // after the expiry of everything
constexpr int kTriesMax = 20;
constexpr int kAccounts = 5;
constexpr int kBulk = 120;
constexpr std::uint64_t kEventsMax = 400'000;

class Scenario {
  public:
    Scenario(std::uint64_t seed, bool trace)
        : world_(seed, trace), network_(world_), machine_(world_, network_, ledger_) {}

    Outcome run() {
        const Time begin = world_.now();
        end_of_sending_ = begin + kSending;
        end_of_trouble_ = begin + kTrouble;
        machine_.start();
        network_.trouble_until(end_of_trouble_);
        for (int i = 0; i < kAccounts; ++i) {
            write_soon("a" + std::to_string(i) + "@senders.example");
        }
        if (world_.percent(30)) {
            world_.after(world_.between(seconds(0), minutes(30)), [this] { bulk(); });
        }
        for (int i = 0; i < 2; ++i) {
            world_.after(world_.between(seconds(10), minutes(5)), [this] { mischief(); });
        }
        world_.after(seconds(30), [this] { order(); });
        world_.after(kTrouble + minutes(2), [this] { machine_.release_all(); });
        for (std::uint64_t events = 0; world_.run_next(begin + kEnd); ++events) {
            if (events == kEventsMax) {
                throw Broken("it goes round in circles");
            }
        }
        if (!machine_.up()) {
            throw Broken("the machine doesn't come up again");
        }
        ledger_.conclude(machine_.spool());
        // And once more, as the next process would find it.
        machine_.die(Death::PowerLoss);
        while (!machine_.up() && world_.run_next(begin + kEnd + minutes(10))) {
        }
        ledger_.conclude(machine_.spool());
        return {
            .totals = ledger_.totals(), .digest = world_.digest(), .carried = machine_.carried()
        };
    }

  private:
    struct Draft {
        std::string account;
        std::vector<queue::Recipient> recipients;
        std::size_t size = 0;
        int tries = 0;
        int priority = 0;
    };

    Draft draft(const std::string& account) {
        Draft draft;
        draft.account = account;
        draft.size = world_.percent(3) ? 40'000 : world_.below(3000);
        draft.priority = world_.percent(10) ? static_cast<int>(world_.below(9)) - 4 : 0;
        const auto& domains = network_.domains();
        for (std::uint64_t i = 0; i < 1 + world_.below(3); ++i) {
            const std::string name = world_.percent(10) ? "nobody" : "user";
            queue::Recipient recipient;
            recipient.address =
                name + std::to_string(i) + "@" + domains[world_.below(domains.size())];
            draft.recipients.push_back(std::move(recipient));
        }
        return draft;
    }

    // A client: offers until it is told yes, each time anew.
    void send(const std::shared_ptr<Draft>& draft) {
        if (++draft->tries > kTriesMax) {
            return;
        }
        const std::uint64_t serial = ++serial_;
        queue::Envelope envelope;
        envelope.message_id = "<" + std::to_string(serial) + "@senders.example>";
        envelope.account = envelope.reverse_path = draft->account;
        envelope.client = "192.0.2.1";
        envelope.recipients = draft->recipients;
        envelope.priority = draft->priority;
        std::string body = "Subject: " + std::to_string(serial) + "\r\n\r\n";
        body.append(draft->size, static_cast<char>('a' + serial % 26));
        const auto answered = std::make_shared<bool>(false);
        machine_.submit(std::move(envelope), std::move(body), [this, draft, answered](bool yes) {
            *answered = true;
            if (!yes) {
                again(draft);
            }
        });
        world_.after(minutes(1), [this, draft, answered] {
            if (!*answered) {
                send(draft);
            }
        });
    }
    void again(const std::shared_ptr<Draft>& draft) {
        world_.after(world_.between(seconds(20), seconds(60)), [this, draft] { send(draft); });
    }

    void write_soon(const std::string& account) {
        world_.after(world_.between(seconds(10), minutes(4)), [this, account] {
            // Now and then several at once, so that one commit has company.
            const std::uint64_t many = world_.percent(20) ? 1 + world_.below(4) : 1;
            for (std::uint64_t i = 0; i < many; ++i) {
                send(std::make_shared<Draft>(draft(account)));
            }
            if (world_.now() < end_of_sending_) {
                write_soon(account);
            }
        });
    }

    void bulk() {
        const std::string domain = network_.domains()[world_.below(network_.domains().size())];
        for (int i = 0; i < kBulk; ++i) {
            auto one = std::make_shared<Draft>();
            one->account = "bulk@senders.example";
            one->size = world_.below(800);
            one->recipients.emplace_back().address = "user" + std::to_string(i) + "@" + domain;
            world_.after(milliseconds(10 * i), [this, one] { send(one); });
        }
    }

    void mischief() {
        if (world_.now() >= end_of_trouble_) {
            return;
        }
        switch (world_.below(7)) {
            case 0:
                machine_.die(static_cast<Death>(world_.below(3)));
                break;
            case 1:
            case 2:
                machine_.lose_power_after(world_.below(60));
                break;
            case 3:
                machine_.fail_operation(
                    world_.below(40), world_.percent(50) ? Errc::Full : Errc::Unavailable
                );
                break;
            case 4:
                machine_.jump(world_.between(-minutes(15), minutes(15)));
                break;
            default:
                trouble();
                break;
        }
        world_.after(world_.between(seconds(20), minutes(8)), [this] { mischief(); });
    }

    void trouble() {
        DiskTrouble trouble;
        trouble.writes = world_.percent(50);
        trouble.syncs = world_.percent(50);
        trouble.creates = world_.percent(30);
        trouble.reads = world_.percent(20);
        trouble.percent = world_.percent(50) ? 100 : 30;
        trouble.code = world_.percent(50) ? Errc::Full : Errc::Unavailable;
        trouble.nearly_full = world_.percent(20);
        trouble.until = world_.now() + world_.between(seconds(1), minutes(4));
        world_.note("disk trouble");
        machine_.trouble(trouble);
    }

    void order() {
        constexpr std::array kActions = {
            Action::Hold,
            Action::Hold,
            Action::Release,
            Action::Release,
            Action::Retry,
            Action::Retry,
            Action::Drop
        };
        if (world_.now() < end_of_trouble_) {
            machine_.order(kActions[world_.below(kActions.size())]);
            world_.after(world_.between(seconds(20), minutes(2)), [this] { order(); });
        }
    }

    World world_;
    Network network_;
    Ledger ledger_;
    Machine machine_;
    Time end_of_sending_{}, end_of_trouble_{};
    std::uint64_t serial_ = 0;
};

}  // namespace

Outcome run_seed(std::uint64_t seed, bool trace) {
    return Scenario(seed, trace).run();
}

}  // namespace sekisho::sim
