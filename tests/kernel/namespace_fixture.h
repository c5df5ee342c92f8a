// The three namespaces of World, one policy, and what a test asks of it with real connections.
#pragma once

#include "gate/enforce/engine.h"
#include "kernel/packets.h"
#include "kernel/world.h"
#include "policy/policy.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/mount.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::kernel_test {

using policy::Action;
using policy::Stage;

inline const IpAddress kLine = *IpAddress::parse("198.51.100.1");
inline const IpAddress kLine6 = *IpAddress::parse("2001:db8:1::1");
inline const IpAddress kStatic = *IpAddress::parse("198.51.100.2");
inline const IpAddress kStatic6 = *IpAddress::parse("2001:db8:1::2");
inline const Endpoint kSmtp = at("203.0.113.9:25");
inline const Endpoint kSmtp6 = at("[2001:db8:f::9]:25");
inline const Endpoint kSubmission = at("203.0.113.9:587");
inline const Endpoint kSubmission6 = at("[2001:db8:f::9]:587");
inline const std::vector<std::string> kInterfaces{"in0", "out0"};

inline policy::Source op25b(Action action = Action::Refuse, Stage stage = Stage::Enforce) {
    policy::Source source;
    source.classes = {
        group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"}),
        group("static", {"198.51.100.2", "2001:db8:1::2"}),
    };
    source.rules = {rule("op25b", "subscribers", "outside", action, stage)};
    return source;
}

// A BPF file system of the test's own: the machine's may not be mounted, or hold other things.
class BpfFs {
  public:
    BpfFs() {
        std::array<char, 32> name{"/tmp/sekisho-bpf-XXXXXX"};
        path_ = mkdtemp(name.data());
        mounted_ = mount("bpf", path_.c_str(), "bpf", 0, nullptr) == 0;
    }
    ~BpfFs() {
        umount2(path_.c_str(), MNT_DETACH);
        rmdir(path_.c_str());
    }
    BpfFs(const BpfFs&) = delete;
    BpfFs& operator=(const BpfFs&) = delete;
    [[nodiscard]] bool mounted() const { return mounted_; }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
    bool mounted_ = false;
};

class Namespaces : public testing::Test {
  protected:
    void SetUp() override {
        if (!is_root()) {
            GTEST_SKIP() << "needs root: makes network namespaces";
        }
        world_ = std::make_unique<World>();
        ASSERT_EQ(world_->problem(), "");
    }
    int from(const IpAddress& source, const Endpoint& destination) {
        return world_->connect_from(source, destination);
    }
    void expect_open() {
        for (const auto& [source, destination] :
             {std::pair{kLine, kSmtp},
              {kLine6, kSmtp6},
              {kLine, kSubmission},
              {kLine6, kSubmission6}}) {
            EXPECT_EQ(from(source, destination), 0) << destination.text();
        }
    }
    void expect_closed() {
        EXPECT_EQ(from(kLine, kSmtp), ECONNREFUSED);
        EXPECT_EQ(from(kLine6, kSmtp6), ECONNREFUSED);
        EXPECT_EQ(from(kLine, kSubmission), 0);
        EXPECT_EQ(from(kLine6, kSubmission6), 0);
        EXPECT_EQ(from(kStatic, kSmtp), 0);
        EXPECT_EQ(from(kStatic6, kSmtp6), 0);
    }
    static gate::RuleCounter counter(gate::Engine& engine, const std::string& rule) {
        const auto all = engine.counters();
        EXPECT_TRUE(all) << (all ? "" : all.error().message);
        for (const gate::RuleCounter& one : all.value_or(std::vector<gate::RuleCounter>{})) {
            if (one.rule == rule) {
                return one;
            }
        }
        ADD_FAILURE() << "no counter for " << rule;
        return {};
    }
    static void put_on(gate::Engine& engine, const std::vector<std::string>& interfaces) {
        for (const auto& [name, status] : engine.attach(interfaces)) {
            ASSERT_TRUE(status) << name << ": " << status.error().message;
        }
    }
    // The life of a policy, the same for every engine.
    void walk(gate::Engine& engine) {
        expect_open();
        const Status applied = engine.apply(compile(op25b()));
        ASSERT_TRUE(applied) << applied.error().message;
        put_on(engine, kInterfaces);
        expect_closed();
        EXPECT_EQ(counter(engine, "op25b").to.packets, 2U);
        EXPECT_EQ(counter(engine, "op25b").from.packets, 0U);

        // An exemption, and its end.
        ASSERT_TRUE(engine.set_overrides(
            {{*Prefix::parse("198.51.100.1"), 0, {}}, {*Prefix::parse("2001:db8:1::/64"), 0, {}}}
        ));
        expect_open();
        EXPECT_EQ(from(kStatic, kSmtp), 0);
        ASSERT_TRUE(engine.set_overrides({}));
        EXPECT_EQ(from(kLine, kSmtp), ECONNREFUSED);

        ASSERT_TRUE(engine.apply(compile(op25b(Action::Refuse, Stage::Observe))));
        expect_open();
        const gate::RuleCounter observed = counter(engine, "op25b");
        EXPECT_GT(observed.to.packets, 2U);  // it grows on across the swap
        EXPECT_GT(observed.from.packets, 0U);

        ASSERT_TRUE(engine.apply(compile(op25b(Action::Drop))));
        EXPECT_EQ(world_->connect_from(kLine, kSmtp, 300), ETIMEDOUT);
        EXPECT_EQ(from(kStatic, kSmtp), 0);

        put_on(engine, {"in0"});  // the outside interface is let go
        EXPECT_EQ(engine.describe().attachments.size(), 1U);
        EXPECT_EQ(world_->connect_from(kLine6, kSmtp6, 300), ETIMEDOUT);
        const auto missing = engine.attach({"in0", "gone0"});
        ASSERT_EQ(missing.size(), 2U);
        EXPECT_TRUE(missing[0].second);
        EXPECT_FALSE(missing[1].second);
        ASSERT_TRUE(engine.detach());
        expect_open();
    }

    std::unique_ptr<World> world_;
};

}  // namespace sekisho::kernel_test
