// One policy on the XDP program, and what a test sends and reads.
#pragma once

#include "base/time.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/xdp_engine.h"
#include "kernel/packets.h"
#include "policy/policy.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::kernel_test {

using gate::XdpEngine;
using policy::Action;
using policy::Stage;

inline const Endpoint kLine = at("198.51.100.1:40000");
inline const Endpoint kLine6 = at("[2001:db8:1::1]:40000");
inline const Endpoint kOutside = at("203.0.113.9:25");
inline const Endpoint kOutside6 = at("[2001:db8:f::9]:25");
inline const Endpoint kDropped = at("192.0.2.25:25");
inline const Endpoint kObserved = at("192.0.2.130:25");

class Packets : public testing::Test {
  protected:
    void SetUp() override {
        if (!is_root()) {
            GTEST_SKIP() << "needs root: loads a BPF program";
        }
        auto loaded = XdpEngine::load(gate::XdpMode::Auto);
        ASSERT_TRUE(loaded) << loaded.error().message;
        engine_ = std::move(*loaded);
        policy::Source source;
        source.classes = {
            group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"}),
            group("silent", {"192.0.2.0/25"}),
            group("watched", {"192.0.2.128/25"}),
        };
        source.rules = {
            rule("quiet", "subscribers", "silent", Action::Drop),
            rule("later", "subscribers", "watched", Action::Refuse, Stage::Observe),
            rule("op25b", "subscribers", "outside", Action::Refuse),
        };
        const Status applied = engine_->apply(compile(source));
        ASSERT_TRUE(applied) << applied.error().message;
    }

    [[nodiscard]] virtual bool in_tc() const { return false; }
    RunResult run(const Bytes& frame) {
        if (!in_tc()) {
            return run_program({engine_->program_fd()}, frame);
        }
        const auto tc = engine_->tc_program_fd();
        EXPECT_TRUE(tc) << tc.error().message;
        return run_program({tc.value_or(-1), true}, frame);
    }
    RunResult run(const Frame& frame) { return run(frame.bytes()); }
    int verdict(const Frame& frame) { return run(frame).verdict; }
    std::uint64_t statistic(const std::string& name) {
        for (const gate::Named& one : engine_->statistics()) {
            if (one.name == name) {
                return one.value;
            }
        }
        ADD_FAILURE() << "no statistic " << name;
        return 0;
    }
    gate::RuleCounter counter(const std::string& rule) {
        for (const gate::RuleCounter& one : *engine_->counters()) {
            if (one.rule == rule) {
                return one;
            }
        }
        ADD_FAILURE() << "no counter " << rule;
        return {};
    }
    std::vector<gate::Flow> flows() {
        std::vector<gate::Flow> out;
        engine_->poll(Duration{0}, [&out](const gate::Flow& flow) { out.push_back(flow); });
        return out;
    }

    static std::uint64_t packets(const std::vector<gate::Flow>& seen) {
        std::uint64_t sum = 0;
        for (const gate::Flow& flow : seen) {
            sum += flow.count;
        }
        return sum;
    }
    // Reads on until `seen` stands for so many packets, or 5 s are over.
    const std::vector<gate::Flow>& wait_for(std::vector<gate::Flow>& seen, std::uint64_t wanted) {
        for (int i = 0; i < 50 && packets(seen) < wanted; ++i) {
            engine_->poll(Duration{100}, [&seen](const gate::Flow& flow) { seen.push_back(flow); });
        }
        return seen;
    }

    std::unique_ptr<XdpEngine> engine_;
};

}  // namespace sekisho::kernel_test
