// Real TCP connections from a subscriber's namespace through a router that runs the gate to a
// server that listens on 25 and 587: only the gate can refuse them.
#include "gate/enforce/command.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/xdp_engine.h"
#include "kernel/namespace_fixture.h"
#include "kernel/packets.h"
#include "policy/policy.h"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <string>
#include <thread>
#include <unistd.h>

namespace sekisho::kernel_test {
namespace {

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
                wrong += run_program({(*engine)->program_fd()}, v4).verdict != XDP_TX ? 1U : 0U;
                wrong += run_program({(*engine)->program_fd()}, v6).verdict != XDP_TX ? 1U : 0U;
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
