// The gate in traffic control, where XDP isn't to be had: real connections, and what it leaves on
// the interfaces.
#include "gate/enforce/command.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/xdp_engine.h"
#include "kernel/namespace_fixture.h"

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <gtest/gtest.h>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::kernel_test {
namespace {

using TcNamespaces = Namespaces;

// How many qdiscs of this kind there are in the router.
std::size_t clsacts() {
    const auto said = gate::run_command("tc", {"qdisc", "show"}, "");
    EXPECT_TRUE(said);
    std::size_t count = 0;
    for (std::size_t at = 0; (at = said->out.find("clsact", at)) != std::string::npos; ++at) {
        ++count;
    }
    return count;
}

// Locally sent segments leave their checksum to the card: the resets must be right all the same.
TEST_F(TcNamespaces, TrafficControlRefusesPort25AtOnceAndPassesTheRest) {
    world_->in_router([&] {
        const auto engine = gate::make_xdp_engine(gate::XdpMode::Tc);
        ASSERT_TRUE(engine) << engine.error().message;
        walk(**engine);
        put_on(**engine, kInterfaces);
        const gate::Description described = (*engine)->describe();
        ASSERT_EQ(described.attachments.size(), 2U);
        EXPECT_EQ(described.attachments[0].mode, "tc");
        EXPECT_NE(described.when_killed.find("tc"), std::string::npos);
        EXPECT_EQ(clsacts(), 2U);
        (*engine)->leave();
        EXPECT_EQ(clsacts(), 0U) << "what was made for the filter goes with it";
        expect_open();
    });
}

// The kernel takes the outermost tag out of the frame and puts it back: the gate on the port, not
// on the VLAN, sees neither happen, and its reset must arrive in the VLAN.
TEST_F(TcNamespaces, ATagBesideTheFrameIsKept) {
    const auto ip = [](const std::string& words) {
        std::istringstream in(words);
        const std::vector<std::string> arguments{std::istream_iterator<std::string>(in), {}};
        const auto said = gate::run_command("ip", arguments, "");
        ASSERT_TRUE(said);
        ASSERT_EQ(said->status, 0) << words << ": " << said->err;
    };
    world_->in_client([&] {
        ip("link add link sub0 name sub7 type vlan id 7");
        ip("link set sub7 up");
        ip("address add 192.168.7.2/24 dev sub7");
        ip("address add 198.51.100.9/32 dev sub7");
        ip("route add 203.0.113.9/32 via 192.168.7.1 dev sub7");
    });
    world_->in_router([&] {
        ip("link add link in0 name in7 type vlan id 7");
        ip("link set in7 up");
        ip("address add 192.168.7.1/24 dev in7");
        ip("route add 198.51.100.9/32 via 192.168.7.2 dev in7");
        const IpAddress line = *IpAddress::parse("198.51.100.9");
        ASSERT_EQ(from(line, kSmtp), 0);
        const auto engine = gate::make_xdp_engine(gate::XdpMode::Tc);
        ASSERT_TRUE(engine) << engine.error().message;
        ASSERT_TRUE((*engine)->apply(compile(op25b())));
        put_on(**engine, {"in0"});
        EXPECT_EQ(from(line, kSmtp), ECONNREFUSED);
        EXPECT_EQ(from(line, kSubmission), 0);
        EXPECT_EQ(counter(**engine, "op25b").to.packets, 1U);
    });
}

// clsact of somebody else, or with somebody's filter in it, stays.
TEST_F(TcNamespaces, TrafficControlOfOthersIsLeftAsItIs) {
    world_->in_router([&] {
        const auto tc = [](const std::vector<std::string>& words) {
            const auto said = gate::run_command("tc", words, "");
            ASSERT_TRUE(said);
            ASSERT_EQ(said->status, 0) << said->err;
        };
        tc({"qdisc", "add", "dev", "in0", "clsact"});
        const auto engine = gate::make_xdp_engine(gate::XdpMode::Tc);
        ASSERT_TRUE(engine) << engine.error().message;
        ASSERT_TRUE((*engine)->apply(compile(op25b())));
        put_on(**engine, kInterfaces);
        tc({"filter", "add", "dev", "out0", "egress", "prio", "7", "bpf", "bytecode", "1,6 0 0 0"});
        expect_closed();
        ASSERT_TRUE((*engine)->detach());
        EXPECT_EQ(clsacts(), 2U);
        expect_open();
        // Somebody takes clsact away under the gate: it is put back.
        put_on(**engine, {"in0"});
        tc({"qdisc", "del", "dev", "in0", "clsact"});
        expect_open();
        put_on(**engine, {"in0"});
        expect_closed();
    });
}

TEST_F(TcNamespaces, AutoStandsInTrafficControlBehindAnotherXdpProgram) {
    world_->in_router([&] {
        auto other = gate::XdpEngine::load(gate::XdpMode::Native);
        ASSERT_TRUE(other) << other.error().message;
        ASSERT_TRUE((*other)->attach_pass("in0"));
        const auto only_generic = gate::make_xdp_engine(gate::XdpMode::Generic);
        ASSERT_TRUE(only_generic);
        EXPECT_FALSE((*only_generic)->attach({"in0"})[0].second) << "asked for, it is an error";
        const auto engine = gate::make_xdp_engine(gate::XdpMode::Auto);
        ASSERT_TRUE(engine) << engine.error().message;
        ASSERT_TRUE((*engine)->apply(compile(op25b())));
        put_on(**engine, kInterfaces);
        const auto attached = (*engine)->describe().attachments;
        ASSERT_EQ(attached.size(), 2U);
        EXPECT_EQ(attached[0].mode, "tc");
        EXPECT_NE(attached[0].note.find("another XDP program"), std::string::npos);
        EXPECT_EQ(attached[1].mode, "generic");
        expect_closed();
        EXPECT_EQ(counter(**engine, "op25b").to.packets, 2U) << "by both programs together";
    });
}

// A filter outlives its process by itself; with gate.pin it is meant to, and is taken over, by a
// gate that stands in XDP too.
TEST_F(TcNamespaces, FiltersOfTrafficControlAreKeptTakenOverAndTakenOff) {
    const BpfFs bpf;
    ASSERT_TRUE(bpf.mounted());
    const std::string pin = bpf.path() + "/sekisho";
    world_->in_router([&] {
        const auto start = [&](gate::XdpMode mode, const std::string& folder) {
            auto engine = gate::make_xdp_engine(mode, folder);
            EXPECT_TRUE(engine) << engine.error().message;
            EXPECT_TRUE((*engine)->apply(compile(op25b())));
            put_on(*engine->get(), kInterfaces);
            return std::move(*engine);
        };
        start(gate::XdpMode::Tc, pin).reset();
        expect_closed();
        auto next = start(gate::XdpMode::Tc, pin);
        EXPECT_NE(next->describe().attachments.at(0).note.find("taken over"), std::string::npos);
        next.reset();
        expect_closed();
        next = start(gate::XdpMode::Auto, pin);
        EXPECT_EQ(next->describe().attachments.at(0).mode, "generic");
        EXPECT_EQ(clsacts(), 0U) << "the old policy is not left behind";
        next.reset();
        next = start(gate::XdpMode::Tc, pin);
        EXPECT_FALSE(std::filesystem::exists(pin + "/in0")) << "nor the other way round";
        EXPECT_EQ(counter(*next, "op25b").to.packets, 0U);
        expect_closed();
        next.reset();
        EXPECT_EQ(*gate::remove_tc_filters(), 2U);
        EXPECT_EQ(*gate::remove_tc_filters(), 0U);
        EXPECT_EQ(clsacts(), 0U);
        expect_open();
    });
}

}  // namespace
}  // namespace sekisho::kernel_test
