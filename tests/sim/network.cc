#include "sim/network.h"

#include "base/time.h"
#include "delivery/outcome.h"
#include "sim/world.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::sim {
namespace {

using smtp::Stage;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kTimeout = seconds(30);
constexpr std::uint64_t kModes = 9;

delivery::Tried tried(Stage stage, smtp::Reply reply, bool local) {
    delivery::Tried result;
    result.stage = stage;
    result.reply = std::move(reply);
    result.local = local;
    return result;
}

// What a recipient hears when the server is of this mode.
delivery::Tried answer(Mode mode) {
    switch (mode) {
        case Mode::Refusing:
            return tried(Stage::Connect, smtp::reply(451, "4.4.1", "Connection refused"), true);
        case Mode::Silent:
            return tried(Stage::Connect, smtp::reply(451, "4.4.1", "Timed out"), true);
        case Mode::Overloaded:
            return tried(Stage::Greeting, smtp::reply(421, "4.3.2", "Try later"), false);
        case Mode::Greylisting:
            return tried(Stage::Rcpt, smtp::reply(450, "4.7.1", "Greylisted"), false);
        case Mode::Rejecting:
            return tried(Stage::EndOfData, smtp::reply(550, "5.7.1", "Not wanted"), false);
        case Mode::Cutting:
            return tried(Stage::Data, smtp::reply(451, "4.4.2", "Connection lost"), true);
        case Mode::Forgetful:
            return tried(Stage::EndOfData, smtp::reply(451, "4.4.2", "Connection lost"), true);
        case Mode::Up:
        case Mode::Slow:
            break;
    }
    return tried(Stage::EndOfData, smtp::reply(250, "2.0.0", "Taken"), false);
}

}  // namespace

Network::Network(World& world)
    : world_(world), names_{"one.example", "two.example", "three.example", "four.example"} {
    for (const std::string& name : names_) {
        domains_[name].since = world.now();
    }
    domains_["senders.example"].since = world.now();  // takes what is returned; always works
}

void Network::trouble_until(Time end) {
    for (const std::string& name : names_) {
        world_.after(world_.between(seconds(1), minutes(10)), [this, name, end] {
            change(name, end);
        });
    }
}

void Network::change(const std::string& domain, Time end) {
    Domain& of = domains_.at(domain);
    const bool over = world_.now() >= end;
    of.mode = over || world_.percent(40) ? Mode::Up : static_cast<Mode>(world_.below(kModes));
    of.since = world_.now();
    world_.note("mode " + std::to_string(static_cast<int>(of.mode)), domain);
    if (!over) {
        world_.after(world_.between(seconds(10), minutes(15)), [this, domain, end] {
            change(domain, end);
        });
    }
}

Transaction Network::begin(const std::string& domain, const std::vector<std::string>& recipients) {
    Domain& of = domains_.at(domain);
    const Mode mode = of.mode;
    Transaction result;
    result.takes = mode == Mode::Silent ? kTimeout : world_.between(milliseconds(50), seconds(4));
    result.replies = result.takes + world_.between(milliseconds(1), milliseconds(200));
    if (mode == Mode::Slow) {
        result.replies += world_.between(seconds(0), kTimeout - seconds(5));
        of.busy_until = std::max(of.busy_until, world_.now() + result.replies);
    }
    const bool reached = mode != Mode::Refusing && mode != Mode::Silent &&
                         mode != Mode::Overloaded && mode != Mode::Greylisting;
    for (const std::string& recipient : recipients) {
        const bool unknown = reached && recipient.starts_with("nobody");
        result.taken.push_back(
            !unknown && (mode == Mode::Up || mode == Mode::Forgetful || mode == Mode::Slow)
        );
        result.tried.push_back(
            unknown ? tried(Stage::Rcpt, smtp::reply(550, "5.1.1", "No such user"), false)
                    : answer(mode)
        );
    }
    return result;
}

bool Network::calm(const std::string& domain, Time& since) const {
    const Domain& of = domains_.at(domain);
    since = of.since + kTimeout + seconds(10);
    // What waits for a slow server takes up places that others then lack.
    for (const auto& [name, other] : domains_) {
        if (other.mode == Mode::Slow) {
            return false;
        }
        since = std::max(since, other.busy_until + kTimeout);
    }
    return of.mode == Mode::Up;
}

}  // namespace sekisho::sim
