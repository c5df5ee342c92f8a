// What the files of the deliverer share. For this room only.
#pragma once

#include "base/histogram.h"
#include "base/time.h"
#include "delivery/connections.h"
#include "delivery/deliverer.h"
#include "delivery/outcome.h"
#include "delivery/slots.h"
#include "delivery/waiting.h"
#include "net/task.h"
#include "queue/spool.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {

struct AtomicCounters {
    std::atomic<std::uint64_t> delivered{0}, deferred{0}, bounced{0}, expired{0};
    Histogram late;     // messages: from when they were due to when they were taken from the queue
    Histogram tries;    // messages: from there to the outcome of the try
    Histogram arrived;  // recipients: from the message's acceptance to their delivery
    std::atomic<std::uint64_t> attempts{0}, reused{0}, tls{0}, tls_failed{0}, notices{0};
};

// Counts the connections from each pool of addresses.
class Turns {
  public:
    std::uint64_t next(const std::string& pool) {
        const std::scoped_lock lock(mutex_);
        return turns_[pool]++;
    }

  private:
    std::mutex mutex_;
    std::map<std::string, std::uint64_t> turns_;
};

// What every task needs; outlives them all.
struct Shop {
    explicit Shop(Deps given) : deps(std::move(given)) {}
    Deps deps;
    std::shared_ptr<Slots> slots;    // by place
    std::shared_ptr<Slots> lookups;  // of MX records, by domain
    std::shared_ptr<Connections> connections;
    AtomicCounters counters;
    Turns turns;  // of sources
};

// One message in delivery. Its tasks run on one executor, so there is no lock.
struct Job {
    std::shared_ptr<Shop> shop;
    std::shared_ptr<const Options> options;
    queue::Entry entry;
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    Claim claim;  // on places
    net::Executor executor;
    std::weak_ptr<const std::string> bytes;  // in memory while a try needs them
    bool loops = false;                      // too many Received fields
    bool tls_optional = false;               // "TLS-Required: No" (RFC 8689 §3)
};

// The message's bytes, read by a worker unless another group of the job holds them.
using Bytes = std::shared_ptr<const std::string>;
[[nodiscard]] net::Task<Result<Bytes>> load(std::shared_ptr<Job> job);

struct Group {
    std::string domain;                // as in the addresses, lower case
    std::vector<std::size_t> members;  // indices of the envelope's recipients
};
struct GroupResult {
    std::vector<Tried> tried;  // one for each member
    bool final_delivery = false;
};
// Tries all recipients of one domain; never throws for what a peer does.
[[nodiscard]] net::Task<GroupResult> try_group(std::shared_ptr<Job> job, Group group);
// The part of it for our own domains.
[[nodiscard]] net::Task<GroupResult> try_local(std::shared_ptr<Job> job, Group group, Bytes bytes);

// One try of a message, from take_due()'s entry to finish().
[[nodiscard]] net::Task<void> run_job(std::shared_ptr<Job> job);

}  // namespace sekisho::delivery
