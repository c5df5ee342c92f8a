#include "report/recorder.h"

#include "base/time.h"
#include "report/dmarc.h"
#include "report/tls.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>

namespace sekisho::report {
namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

}  // namespace

Day day_of(Time at) {
    const std::int64_t ms = to_ms(at);
    return ms / kDayMs - (ms % kDayMs < 0 ? 1 : 0);
}

Time begin_of(Day day) {
    return from_ms(day * kDayMs);
}

std::string date_of(Day day) {
    return rfc3339(begin_of(day)).substr(0, 10);
}

std::uint64_t Batch::count() const {
    std::uint64_t out = 0;
    for (const Dmarc& one : dmarc) {
        out += one.count;
    }
    for (const Tls& one : tls) {
        out += one.count;
    }
    return out;
}

// With mutex_ held. The last policy seen counts for the day (RFC 9990 §3.1).
void Recorder::add(Batch::Dmarc one) {
    const DmarcKey key{one.day, one.policy.domain, one.row};
    const auto found = dmarc_.find(key);
    if (found != dmarc_.end()) {
        one.count += found->second.count;
        found->second = std::move(one);
    } else if (full()) {
        counters_.lost += one.count;
    } else {
        dmarc_.emplace(key, std::move(one));
    }
}

void Recorder::add(Batch::Tls one) {
    const TlsKey key{one.day, one.domain, one.policy, one.failure};
    const auto found = tls_.find(key);
    if (found != tls_.end()) {
        found->second.count += one.count;
    } else if (full()) {
        counters_.lost += one.count;
    } else {
        tls_.emplace(key, std::move(one));
    }
}

void Recorder::note(const DmarcSeen& seen, Time at) {
    Batch::Dmarc one{day_of(at), seen.policy, seen.rua, seen.organization, pack(seen.row), 1};
    const std::scoped_lock lock(mutex_);
    ++counters_.recorded;
    add(std::move(one));
}

void Recorder::note(const TlsSeen& seen, Time at) {
    Batch::Tls one{day_of(at), seen.domain, pack(seen.policy), pack(seen.failure), 1};
    const std::scoped_lock lock(mutex_);
    ++counters_.recorded;
    add(std::move(one));
}

Batch Recorder::take() {
    Batch out;
    const std::scoped_lock lock(mutex_);
    for (auto& [key, one] : dmarc_) {
        out.dmarc.push_back(std::move(one));
    }
    for (auto& [key, one] : tls_) {
        out.tls.push_back(std::move(one));
    }
    dmarc_.clear();
    tls_.clear();
    return out;
}

void Recorder::put_back(const Batch& batch) {
    const std::scoped_lock lock(mutex_);
    for (const Batch::Dmarc& one : batch.dmarc) {
        add(one);
    }
    for (const Batch::Tls& one : batch.tls) {
        add(one);
    }
}

void Recorder::lose(std::uint64_t count) {
    const std::scoped_lock lock(mutex_);
    counters_.lost += count;
}

Recorder::Counters Recorder::counters() const {
    const std::scoped_lock lock(mutex_);
    return counters_;
}

}  // namespace sekisho::report
