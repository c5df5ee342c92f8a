// One mail server: the real spool on a disk of memory, the real places at destinations, decisions
// and notifications of the delivery, and a model of what lies between them (delivery/job.cc).
// It loses power, is killed, stops and starts.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "delivery/notices.h"
#include "delivery/slots.h"
#include "queue/retry.h"
#include "queue/spool.h"
#include "sim/ledger.h"
#include "sim/network.h"
#include "sim/world.h"
#include "store/spool_log.h"
#include "store/spool_testing.h"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::sim {

// What the disk does wrong, until when.
struct DiskTrouble {
    bool writes = false, syncs = false, creates = false, reads = false;
    std::uint64_t percent = 100;  // of the operations
    Errc code = Errc::Unavailable;
    bool nearly_full = false;
    Time until{};
};

enum class Death : std::uint8_t { PowerLoss, Kill, Stop };

class Machine {
  public:
    Machine(World& world, Network& network, Ledger& ledger);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    void start();
    // `told` is called with the answer, unless the machine dies first.
    void submit(queue::Envelope envelope, std::string body, std::function<void(bool)> told);
    void order(queue::Order::Action action);  // on a queued message by chance
    void release_all();

    void trouble(const DiskTrouble& trouble);
    void fail_operation(std::uint64_t ahead, Errc code);  // one, so many ahead
    void lose_power_after(std::uint64_t operations);
    void die(Death death);
    void jump(Duration by);  // its clock is set, forward or back
    [[nodiscard]] bool up() const { return spool_ != nullptr; }
    [[nodiscard]] queue::Spool& spool() { return *spool_; }
    [[nodiscard]] std::uint64_t carried() const { return carried_; }

  private:
    // What its clock shows; the world's goes evenly.
    [[nodiscard]] Time clock() const { return world_.now() + skew_; }
    struct Job;
    struct Group;
    void later(Duration wait, std::function<void()> event);
    void settle();  // after everything that may have touched the disk
    [[nodiscard]] std::optional<Error> fault(store::testing::Op op);
    void plug_in(std::shared_ptr<store::testing::Disk> disk);

    void want_commit(Duration wait);
    void commit();
    void pump();
    void begin(queue::Entry entry);
    void ask_place(const std::shared_ptr<Job>& job, const std::shared_ptr<Group>& group);
    void check_wait(const Job& job, const std::string& domain) const;
    void talk(
        const std::shared_ptr<Job>& job,
        const std::shared_ptr<Group>& group,
        delivery::Slots::Slot slot
    );
    void refuse(
        const std::shared_ptr<Job>& job, const std::shared_ptr<Group>& group, smtp::Reply reply
    );
    void group_done(const std::shared_ptr<Job>& job);
    void notify(const std::shared_ptr<Job>& job);
    void finish(const std::shared_ptr<Job>& job, bool told);

    World& world_;
    Network& network_;
    Ledger& ledger_;
    queue::RetrySchedule retry_;
    std::shared_ptr<store::testing::Disk> disk_;
    std::unique_ptr<queue::Spool> spool_;
    std::unique_ptr<boost::asio::io_context> loop_;
    std::shared_ptr<delivery::Slots> slots_;
    std::uint64_t life_ = 0;
    std::size_t in_delivery_ = 0;
    bool commit_wanted_ = false;
    std::optional<Time> pump_at_;
    std::uint64_t notices_ = 0, carried_ = 0;

    DiskTrouble trouble_;
    std::optional<std::uint64_t> failing_in_, dark_in_;  // operations
    Errc failing_code_ = Errc::Unavailable;
    bool dark_ = false, sound_ = false;  // no power; no faults, while the ledger looks
    Time calm_since_{};
    Duration skew_{0};
};

}  // namespace sekisho::sim
