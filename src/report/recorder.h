// Adds up what sessions see, until somebody writes it down: an equal observation is a number more,
// so a flood of mail takes little room. Thread-safe, and never waits for anything but its lock.
#pragma once

#include "base/time.h"
#include "report/dmarc.h"
#include "report/tls.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace sekisho::report {

// Days of UTC since 1970: reports are about whole ones (RFC 9990 §3.5, RFC 8460 §4.1).
using Day = std::int64_t;
[[nodiscard]] Day day_of(Time at);
[[nodiscard]] Time begin_of(Day day);
[[nodiscard]] std::string date_of(Day day);  // "2026-11-27"

struct Batch {
    struct Dmarc {
        Day day = 0;
        DmarcPolicy policy;
        std::vector<std::string> rua;
        std::string organization;
        std::string row;  // packed
        std::uint64_t count = 0;
    };
    struct Tls {
        Day day = 0;
        std::string domain;
        std::string policy, failure;  // packed
        std::uint64_t count = 0;
    };
    std::vector<Dmarc> dmarc;
    std::vector<Tls> tls;
    [[nodiscard]] bool empty() const { return dmarc.empty() && tls.empty(); }
    [[nodiscard]] std::uint64_t count() const;
};

class Recorder {
  public:
    // More different observations than this at once are lost, and counted.
    explicit Recorder(std::size_t keys_max = 20'000) : keys_max_(keys_max) {}

    void note(const DmarcSeen& seen, Time at);
    void note(const TlsSeen& seen, Time at);
    // What gathered since the last call.
    [[nodiscard]] Batch take();
    // What could not be written down: waits for the next take().
    void put_back(const Batch& batch);
    void lose(std::uint64_t count);

    struct Counters {
        std::uint64_t recorded = 0, lost = 0;
    };
    [[nodiscard]] Counters counters() const;

  private:
    using DmarcKey = std::tuple<Day, std::string, std::string>;  // day, policy domain, row
    using TlsKey = std::tuple<Day, std::string, std::string, std::string>;
    [[nodiscard]] bool full() const { return dmarc_.size() + tls_.size() >= keys_max_; }
    void add(Batch::Dmarc one);
    void add(Batch::Tls one);

    const std::size_t keys_max_;
    mutable std::mutex mutex_;
    std::map<DmarcKey, Batch::Dmarc> dmarc_;
    std::map<TlsKey, Batch::Tls> tls_;
    Counters counters_;
};

}  // namespace sekisho::report
