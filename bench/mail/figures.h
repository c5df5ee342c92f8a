// What the benchmark programs count and how they tell it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::bench {

// {"p50":…,"p90":…,"p99":…,"p999":…,"max":…,"count":…} of `values`, which it sorts; null without
// any.
nlohmann::json percentiles(std::vector<float>& values);

// User and system time of this process.
double cpu_seconds();

// How often each message was seen, by run and number ("RUN-N").
class Ids {
  public:
    // False when `id` isn't RUN-N.
    bool add(std::string_view id);
    void add(const std::string& run, std::uint32_t number) { add_to(runs_[run], number); }
    void merge(const Ids& other);
    [[nodiscard]] std::uint64_t total() const;
    [[nodiscard]] std::uint64_t unique() const;
    // One line a range of numbers that were seen equally often: RUN FIRST LAST TIMES.
    // False when the file can't be written.
    [[nodiscard]] bool write(const std::string& path) const;

  private:
    using Times = std::vector<std::uint16_t>;
    static void add_to(Times& times, std::uint32_t number, std::uint16_t count = 1);
    std::map<std::string, Times, std::less<>> runs_;
};

}  // namespace sekisho::bench
