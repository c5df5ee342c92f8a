// Real TCP connections from a subscriber's namespace through a router that runs the gate to a
// server that listens on 25 and 587: only the gate can refuse them.
#include "gate/enforce/command.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/xdp_engine.h"
#include "kernel/packets.h"
#include "kernel/world.h"
#include "policy/policy.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <string>
#include <sys/mount.h>
#include <thread>
#include <unistd.h>

namespace sekisho::kernel_test {
namespace {

using policy::Action;
using policy::Stage;

const IpAddress kLine = *IpAddress::parse("198.51.100.1");
const IpAddress kLine6 = *IpAddress::parse("2001:db8:1::1");
const IpAddress kStatic = *IpAddress::parse("198.51.100.2");
const IpAddress kStatic6 = *IpAddress::parse("2001:db8:1::2");
const Endpoint kSmtp = at("203.0.113.9:25");
const Endpoint kSmtp6 = at("[2001:db8:f::9]:25");
const Endpoint kSubmission = at("203.0.113.9:587");
const Endpoint kSubmission6 = at("[2001:db8:f::9]:587");
const std::vector<std::string> kInterfaces{"in0", "out0"};

policy::Source op25b(Action action = Action::Refuse, Stage stage = Stage::Enforce) {
    policy::Source source;
    source.classes = {
        group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"}),
        group("static", {"198.51.100.2", "2001:db8:1::2"}),
    };
    source.rules = {rule("op25b", "subscribers", "outside", action, stage)};
    return source;
}

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

TEST_F(Namespaces, XdpRefusesPort25AtOnceAndPassesTheRest) {
    world_->in_router([&] {
        const auto engine = gate::make_xdp_engine(gate::XdpMode::Auto);
        ASSERT_TRUE(engine) << engine.error().message;
        walk(**engine);
    });
}

TEST_F(Namespaces, NftablesRefusesPort25AtOnceAndPassesTheRest) {
    world_->in_router([&] {
        const auto engine = gate::make_nft_engine();
        ASSERT_TRUE(engine) << engine.error().message;
        walk(**engine);
        const auto left = gate::run_command("nft", {"list", "tables"}, "");
        EXPECT_EQ(left->out, "");
    });
}

// The same rate by both engines, with real connections: so many for each source, then refused.
TEST_F(Namespaces, BothEnginesLimitTheConnectionsOfEachSource) {
    world_->in_router([&] {
        policy::Source source = op25b(Action::Limit);
        source.rules[0].rate = *policy::Rate::parse("3/7d");
        for (const bool xdp : {true, false}) {
            const auto engine =
                xdp ? gate::make_xdp_engine(gate::XdpMode::Auto) : gate::make_nft_engine();
            ASSERT_TRUE(engine) << engine.error().message;
            const Status applied = (*engine)->apply(compile(source));
            ASSERT_TRUE(applied) << applied.error().message;
            put_on(**engine, kInterfaces);
            EXPECT_TRUE((*engine)->describe().downgrades.empty());
            // Attaching can cost packets; a SYN that is sent again would count again.
            EXPECT_EQ(from(kLine, kSubmission), 0);
            EXPECT_EQ(from(kLine6, kSubmission6), 0);
            for (const auto& [line, server] : {std::pair{kLine, kSmtp}, {kLine6, kSmtp6}}) {
                for (int i = 0; i < 3; ++i) {
                    EXPECT_EQ(from(line, server), 0) << (xdp ? "xdp" : "nftables") << i;
                }
                EXPECT_EQ(from(line, server), ECONNREFUSED) << (xdp ? "xdp" : "nftables");
            }
            EXPECT_EQ(from(kStatic, kSmtp), 0);
            ASSERT_TRUE((*engine)->detach());
        }
    });
}

// On native veth the reset arrives only where the other end has an XDP program as well.
TEST_F(Namespaces, NativeModeReachesAPeerThatHasAProgram) {
    world_->in_router([&] {
        auto engine = gate::XdpEngine::load(gate::XdpMode::Native);
        ASSERT_TRUE(engine) << engine.error().message;
        ASSERT_TRUE((*engine)->apply(compile(op25b())));
        put_on(**engine, {"in0"});
        EXPECT_EQ((*engine)->describe().attachments[0].mode, "native");
        world_->in_client([&] {
            const Status attached = (*engine)->attach_pass("sub0");
            ASSERT_TRUE(attached) << attached.error().message;
        });
        expect_closed();
    });
}

TEST_F(Namespaces, AutoTakesGenericModeOnVethAndSaysWhy) {
    world_->in_router([&] {
        const auto engine = gate::make_xdp_engine(gate::XdpMode::Auto);
        ASSERT_TRUE(engine) << engine.error().message;
        put_on(**engine, {"in0"});
        const auto attached = (*engine)->describe().attachments;
        ASSERT_EQ(attached.size(), 1U);
        EXPECT_EQ(attached[0].mode, "generic");
        EXPECT_NE(attached[0].note.find("veth"), std::string::npos);
        const auto second = gate::make_xdp_engine(gate::XdpMode::Auto);
        ASSERT_TRUE(second);
        const auto taken = (*second)->attach({"in0"});
        ASSERT_FALSE(taken[0].second);
        EXPECT_NE(taken[0].second.error().message.find("another XDP program"), std::string::npos);
    });
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

// With gate.pin the policy outlives its process, the next gate takes over without a gap, and
// detaching leaves nothing behind.
TEST_F(Namespaces, PinnedLinksOutliveTheEngineAndAreTakenOver) {
    const BpfFs bpf;
    ASSERT_TRUE(bpf.mounted());
    const std::string pin = bpf.path() + "/sekisho";
    world_->in_router([&] {
        const auto start = [&](const policy::Source& source) {
            auto engine = gate::make_xdp_engine(gate::XdpMode::Auto, pin);
            EXPECT_TRUE(engine) << engine.error().message;
            EXPECT_TRUE((*engine)->apply(compile(source)));
            put_on(**engine, kInterfaces);
            return std::move(*engine);
        };
        start(op25b()).reset();
        expect_closed();

        // While one gate after the other takes over, no connection gets through.
        std::atomic<bool> done = false;
        std::atomic<int> tries = 0, open = 0;
        std::thread knocking([&] {
            while (!done) {
                open += from(kLine, kSmtp) == 0 ? 1 : 0;
                ++tries;
            }
        });
        for (int i = 0; i < 2; ++i) {
            const auto engine = start(op25b());
            EXPECT_EQ(engine->describe().attachments.at(0).mode, "generic");
            EXPECT_NE(engine->describe().attachments[0].note.find("taken over"), std::string::npos);
        }
        done = true;
        knocking.join();
        EXPECT_GT(tries, 3);
        EXPECT_EQ(open, 0);

        auto last = start(op25b(Action::Refuse, Stage::Observe));
        expect_open();
        put_on(*last, {"in0"});  // what a gate before us pinned is not forgotten
        EXPECT_FALSE(std::filesystem::exists(pin + "/out0"));
        EXPECT_TRUE(std::filesystem::exists(pin + "/in0"));
        last.reset();
        const auto removed = gate::remove_pins(pin);
        ASSERT_TRUE(removed) << removed.error().message;
        EXPECT_EQ(*removed, 1U);
        EXPECT_FALSE(std::filesystem::exists(pin));
        EXPECT_EQ(*gate::remove_pins(pin), 0U);
        expect_open();
        const auto free = gate::make_xdp_engine(gate::XdpMode::Auto);
        put_on(**free, kInterfaces);  // nothing is in the way
    });
}

TEST_F(Namespaces, AWrongPinFolderIsAnErrorAndTouchesNothing) {
    const BpfFs bpf;
    world_->in_router([&] {
        for (const std::string& pin : {std::string("/tmp"), bpf.path()}) {
            const auto engine = gate::make_xdp_engine(gate::XdpMode::Auto, pin);
            ASSERT_TRUE(engine);
            ASSERT_TRUE((*engine)->apply(compile(op25b())));
            const auto attached = (*engine)->attach({"in0"});
            ASSERT_FALSE(attached[0].second);
            EXPECT_NE(attached[0].second.error().message.find("gate.pin"), std::string::npos);
            EXPECT_FALSE(gate::remove_pins(pin));
        }
        EXPECT_TRUE(std::filesystem::exists(bpf.path()));
        expect_open();
    });
}

TEST_F(Namespaces, ABlockedConnectionIsReportedWithItsInterface) {
    world_->in_router([&] {
        const auto engine = gate::make_xdp_engine(gate::XdpMode::Auto);
        ASSERT_TRUE(engine) << engine.error().message;
        ASSERT_TRUE((*engine)->apply(compile(op25b())));
        put_on(**engine, kInterfaces);
        const Time before = now();
        EXPECT_EQ(from(kLine6, kSmtp6), ECONNREFUSED);
        std::vector<gate::Flow> flows;
        (*engine)->poll(Duration{2000}, [&](const gate::Flow& flow) { flows.push_back(flow); });
        ASSERT_EQ(flows.size(), 1U);
        EXPECT_EQ(flows[0].client, kLine6);
        EXPECT_EQ(flows[0].server, kSmtp6.address);
        EXPECT_EQ(flows[0].rule, "op25b");
        EXPECT_TRUE(flows[0].blocked);
        EXPECT_NE(flows[0].interface_index, 0U);
        EXPECT_GE(flows[0].at, before - Duration{5});
        EXPECT_LE(flows[0].at, now() + Duration{5});
    });
}

// Two policies that agree on this flow, but number their classes the other way round: a packet
// judged by half of each would pass.
TEST_F(Namespaces, NoPacketIsJudgedByHalfAPolicyDuringASwap) {
    const auto numbered = [](bool swapped) {
        policy::Source source;
        const auto pool = group("pool", {"198.51.100.0/24", "2001:db8:1::/48"});
        const auto far = group("far", {"203.0.113.0/24", "2001:db8:f::/48"});
        source.classes = swapped ? std::vector{far, pool} : std::vector{pool, far};
        source.rules = {rule("closed", "pool", "far", Action::Refuse)};
        return compile(source);
    };
    const std::array policies{numbered(false), numbered(true)};
    world_->in_router([&] {
        auto engine = gate::XdpEngine::load(gate::XdpMode::Auto);
        ASSERT_TRUE(engine) << engine.error().message;
        ASSERT_TRUE((*engine)->apply(policies[0]));
        put_on(**engine, kInterfaces);
        std::atomic<bool> done = false;
        std::atomic<std::uint64_t> judged = 0;
        std::atomic<std::uint64_t> wrong = 0;
        std::thread packets([&] {
            const Bytes v4 = Frame{.source = {kLine, 4000}, .destination = kSmtp}.bytes();
            const Bytes v6 = Frame{.source = {kLine6, 4000}, .destination = kSmtp6}.bytes();
            while (!done) {
                wrong += run_program((*engine)->program_fd(), v4).verdict != XDP_TX ? 1U : 0U;
                wrong += run_program((*engine)->program_fd(), v6).verdict != XDP_TX ? 1U : 0U;
                judged += 2;
            }
        });
        for (std::size_t i = 1; i <= 100; ++i) {
            EXPECT_TRUE((*engine)->apply(policies.at(i % 2)));
            if (i % 10 == 0) {
                EXPECT_EQ(from(kLine, kSmtp), ECONNREFUSED);
                EXPECT_EQ(from(kLine6, kSmtp6), ECONNREFUSED);
            }
        }
        done = true;
        packets.join();
        EXPECT_EQ(wrong, 0U);
        EXPECT_GT(judged, 100U);
    });
}

TEST_F(Namespaces, NftablesSwapsWithoutAGapAndKeepsTheOldOnAnError) {
    world_->in_router([&] {
        const auto engine = gate::make_nft_engine();
        ASSERT_TRUE(engine) << engine.error().message;
        ASSERT_TRUE((*engine)->apply(compile(op25b())));
        put_on(**engine, kInterfaces);
        std::atomic<bool> done = false;
        std::atomic<int> passed = 0;
        std::thread clients([&] {
            while (!done) {
                passed += from(kLine, kSmtp) == ECONNREFUSED ? 0 : 1;
            }
        });
        policy::Source other = op25b();
        other.rules.push_back(rule("more", "static", "*", Action::Count));
        for (int i = 0; i < 10; ++i) {
            EXPECT_TRUE((*engine)->apply(compile(i % 2 == 0 ? other : op25b())));
        }
        done = true;
        clients.join();
        EXPECT_EQ(passed, 0);
    });
}

}  // namespace
}  // namespace sekisho::kernel_test
