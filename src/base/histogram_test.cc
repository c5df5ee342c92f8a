#include "base/histogram.h"

#include <chrono>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sekisho {
namespace {

using namespace std::chrono_literals;

TEST(Histogram, CountsUpToEachBound) {
    Histogram histogram;
    histogram.count(1ms);  // a bound belongs to what is up to it
    histogram.count(2ms);
    histogram.count(7s);
    histogram.count(48h);
    histogram.count(-1s);  // a clock went back
    const auto json = histogram.json();
    EXPECT_EQ(json["count"], 5);
    EXPECT_NEAR(json["sum"].get<double>(), 0.003 + 7 + 172800, 1e-3);
    const auto& buckets = json["buckets"];
    ASSERT_EQ(buckets.size(), Histogram::kBounds.size() + 1);
    EXPECT_EQ(buckets[0], (nlohmann::ordered_json{{"le", "0.001"}, {"count", 2}}));
    EXPECT_EQ(buckets[1]["count"], 3);
    EXPECT_EQ(buckets[buckets.size() - 2]["count"], 4);
    EXPECT_EQ(buckets.back(), (nlohmann::ordered_json{{"le", "+Inf"}, {"count", 5}}));
}

}  // namespace
}  // namespace sekisho
