// The table of metrics, and whoever names a metric: the alarms, the dashboard, docs/metrics.md.
#include "desk/metrics_table.h"

#include "base/file.h"

#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <string>

namespace sekisho::desk {
namespace {

std::string file(const std::string& name) {
    return read_file(std::string(SEKISHO_SOURCE_DIR) + "/" + name).value();
}

TEST(MetricsTable, IsFound) {
    EXPECT_EQ(find_metric("sekisho_up")->labels, "role");
    EXPECT_EQ(find_metric("sekisho_uq"), nullptr);
    EXPECT_EQ(find_metric("zzz"), nullptr);
    for (const Metric& one : metrics_table()) {
        EXPECT_EQ(find_metric(one.name), &one);
        EXPECT_FALSE(one.meaning.empty());
    }
}

TEST(MetricsTable, AlarmsAndDashboardNameWhatThereIs) {
    for (const char* name : {"packaging/prometheus/alerts.yml", "packaging/grafana/sekisho.json"}) {
        const std::string text = file(name);
        const std::regex wanted("\\bsekisho_[a-z0-9_]+");
        std::set<std::string> seen;
        for (std::sregex_iterator at(text.begin(), text.end(), wanted), end; at != end; ++at) {
            seen.insert(at->str());
        }
        EXPECT_GT(seen.size(), 10U) << name;
        for (const std::string& one : seen) {
            EXPECT_NE(find_metric(one), nullptr) << name << ": " << one;
        }
    }
}

TEST(MetricsTable, TheDocumentIsMadeOfIt) {
    EXPECT_EQ(file("docs/metrics.md"), metrics_reference())
        << "sekisho desk metrics-reference > docs/metrics.md";
}

}  // namespace
}  // namespace sekisho::desk
