// Every metric that /metrics can have: its name, its labels, what it means. Its type follows from
// its name: "_total" is a counter, the rest are gauges; histograms say so.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sekisho::desk {

struct Metric {
    std::string_view name;
    std::string_view labels;  // with commas between
    std::string_view meaning;
    bool histogram = false;
};

[[nodiscard]] std::string_view type_of(const Metric& metric);
[[nodiscard]] std::span<const Metric> metrics_table();
[[nodiscard]] const Metric* find_metric(std::string_view name);
// docs/metrics.md
[[nodiscard]] std::string metrics_reference();

}  // namespace sekisho::desk
