#include "sim/machine.h"

#include "base/result.h"
#include "base/time.h"
#include "queue/spool.h"
#include "sim/ledger.h"
#include "sim/network.h"
#include "sim/world.h"
#include "store/spool_log.h"
#include "store/spool_testing.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::sim {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using store::testing::Disk;
using store::testing::Op;

namespace {

constexpr int kTurns = 8;
// After a failed read a message waits for a minute (store/spool_log.cc).
constexpr Duration kUnreadable = seconds(61);
// So that what a clock that was set back puts off is over at the end.
constexpr Duration kSkewMin = -minutes(40), kSkewMax = minutes(60);

}  // namespace

Machine::Machine(World& world, Network& network, Ledger& ledger)
    : world_(world), network_(network), ledger_(ledger) {
    retry_.waits = {minutes(1), minutes(2), minutes(5), minutes(10)};
    retry_.expire = minutes(90);
    auto disk = std::make_shared<Disk>();
    disk->keeps_hints = true;
    plug_in(std::move(disk));
}

void Machine::plug_in(std::shared_ptr<Disk> disk) {
    if (disk_) {
        const std::scoped_lock lock(disk_->mutex);
        disk_->fault = nullptr;
    }
    disk_ = std::move(disk);
    disk_->fault = [this](Op op, std::uint64_t) { return fault(op); };
}

std::optional<Error> Machine::fault(Op op) {
    if (sound_) {
        return std::nullopt;
    }
    if (dark_ || (dark_in_ && (*dark_in_)-- == 0)) {
        dark_ = true;
        dark_in_.reset();
        return Error{Errc::Unavailable, "no power"};
    }
    bool fails = false;
    Errc code = trouble_.code;
    if (failing_in_ && (*failing_in_)-- == 0) {
        failing_in_.reset();
        fails = true;
        code = failing_code_;
    } else if (world_.now() < trouble_.until) {
        const bool concerned =
            (op == Op::Write && trouble_.writes) || (op == Op::Sync && trouble_.syncs) ||
            (op == Op::Create && trouble_.creates) || (op == Op::Read && trouble_.reads);
        fails = concerned && world_.percent(trouble_.percent);
    }
    if (!fails) {
        return std::nullopt;
    }
    calm_since_ = world_.now() + kUnreadable;
    return Error{code, "injected"};
}

void Machine::later(Duration wait, std::function<void()> event) {
    world_.after(wait, [this, life = life_, event = std::move(event)] {
        if (life == life_ && spool_) {
            event();
            settle();
        }
    });
}

void Machine::settle() {
    if (loop_) {
        loop_->restart();
        loop_->poll();
    }
    if (dark_) {
        die(Death::PowerLoss);
    }
}

void Machine::start() {
    store::SpoolOptions options = store::testing::options_for(disk_);
    options.garbage_segments_max = 1;
    options.trouble_wait = Duration{0};
    options.stepped = true;
    options.expire = retry_.expire;
    options.clock = [this] { return clock(); };
    auto opened = store::SpoolLog::open(std::move(options));
    if (dark_ || !opened) {
        world_.note("not opened", dark_ ? "" : opened.error().message);
        opened = fail(Errc::Closed, "");
        if (dark_) {
            plug_in(disk_->after_power_loss(world_.random()));
            dark_ = false;
        }
        world_.after(seconds(10), [this] { start(); });
        return;
    }
    spool_ = std::move(*opened);
    world_.note("opened", std::to_string(spool_->counters().queued));
    sound_ = true;
    ledger_.reopened(*spool_);
    sound_ = false;
    loop_ = std::make_unique<boost::asio::io_context>();
    slots_ = delivery::Slots::make({.total = 24, .per_destination = 4});
    calm_since_ = std::max(calm_since_, world_.now());
    later(Duration{0}, [this] { pump(); });
}

void Machine::die(Death death) {
    if (!spool_) {
        return;
    }
    world_.note("died", std::to_string(static_cast<int>(death)));
    carried_ += spool_->counters().carried_total;
    ++life_;
    ledger_.crashed();
    slots_->close();
    loop_->restart();
    loop_->poll();
    if (death == Death::Stop) {
        spool_.reset();  // what is on the way is committed; nobody hears of it
    }
    std::shared_ptr<Disk> next =
        death == Death::PowerLoss ? disk_->after_power_loss(world_.random()) : disk_->after_kill();
    plug_in(std::move(next));
    sound_ = true;  // what it still writes goes to the old disk
    spool_.reset();
    sound_ = false;
    loop_.reset();
    slots_.reset();
    in_delivery_ = 0;
    commit_wanted_ = dark_ = false;
    pump_at_.reset();
    dark_in_.reset();
    world_.after(world_.between(seconds(1), seconds(60)), [this] { start(); });
}

Machine::~Machine() {
    ++life_;
    if (slots_) {
        slots_->close();
        loop_->restart();
        loop_->poll();
    }
    sound_ = true;
    spool_.reset();
}

void Machine::trouble(const DiskTrouble& trouble) {
    trouble_ = trouble;
    calm_since_ = trouble.until + kUnreadable;
    const std::scoped_lock lock(disk_->mutex);
    disk_->free = trouble.nearly_full ? 0 : 1ULL << 40U;
    world_.after(trouble.until - world_.now(), [this] {
        const std::scoped_lock inner(disk_->mutex);
        disk_->free = 1ULL << 40U;
    });
}

void Machine::jump(Duration by) {
    skew_ = std::clamp(skew_ + by, kSkewMin, kSkewMax);
    world_.note("clock", std::to_string(skew_.count()));
    calm_since_ = world_.now() + kUnreadable;  // much may be due at once
    later(Duration{0}, [this] { pump(); });
}

void Machine::fail_operation(std::uint64_t ahead, Errc code) {
    failing_in_ = ahead;
    failing_code_ = code;
}

void Machine::lose_power_after(std::uint64_t operations) {
    dark_in_ = operations;
}

void Machine::submit(queue::Envelope envelope, std::string body, std::function<void(bool)> told) {
    if (!spool_) {
        told(false);
        return;
    }
    const std::string id = envelope.message_id;
    ledger_.offer(envelope, body);
    spool_->append(
        std::move(envelope),
        std::move(body),
        [this, id, life = life_, told = std::move(told)](const Result<std::string>& answer) {
            if (life != life_ || dark_) {
                return;
            }
            world_.note(answer ? "accepted" : "refused", id);
            ledger_.answered(id, answer);
            told(answer.has_value());
        }
    );
    want_commit(world_.between(milliseconds(1), milliseconds(20)));
}

void Machine::order(queue::Order::Action action) {
    if (!spool_) {
        return;
    }
    queue::Filter filter;
    filter.in_delivery = false;
    std::vector<queue::Entry> found = spool_->find(filter);
    settle();
    if (found.empty() || !spool_) {
        return;
    }
    const queue::Entry& entry = found[world_.below(found.size())];
    const std::string& id = entry.envelope.queue_id;
    Status status;
    switch (action) {
        case queue::Order::Action::Hold:
            status = spool_->hold(id, "by chance");
            break;
        case queue::Order::Action::Drop:
            status = spool_->drop(id);
            break;
        case queue::Order::Action::Release:
            status = spool_->release(id, clock());
            break;
        default:
            status = spool_->retry_now(id, clock());
            break;
    }
    const bool refused =
        !status && (status.error().code == Errc::Conflict || status.error().code == Errc::NotFound);
    if (!refused) {
        const bool heard = status && !dark_;
        world_.note("ordered " + std::to_string(static_cast<int>(action)), id);
        ledger_.ordered(
            entry.envelope.message_id, action, heard ? status : fail(Errc::Unavailable, "")
        );
    }
    want_commit(Duration{1});
    settle();
}

void Machine::release_all() {
    // Again until nothing is held: the machine may be down just now, or its disk bad.
    world_.after(minutes(1), [this] { release_all(); });
    if (!spool_) {
        return;
    }
    queue::Filter filter;
    filter.held = true;
    filter.limit = SIZE_MAX;
    for (const queue::Entry& entry : spool_->find(filter)) {
        const Status status = spool_->release(entry.envelope.queue_id, clock());
        ledger_.ordered(entry.envelope.message_id, queue::Order::Action::Release, status);
    }
    want_commit(Duration{1});
}

void Machine::want_commit(Duration wait) {
    if (!commit_wanted_) {
        commit_wanted_ = true;
        later(wait, [this] { commit(); });
    }
}

void Machine::commit() {
    commit_wanted_ = false;
    auto& log = static_cast<store::SpoolLog&>(*spool_);
    bool more = true;
    for (int i = 0; i < kTurns && more && !dark_; ++i) {
        more = log.step();
    }
    if (more) {
        want_commit(spool_->counters().backlog > 0 ? seconds(1) : milliseconds(5));
    }
    if (!dark_) {
        pump();
    }
}

}  // namespace sekisho::sim
