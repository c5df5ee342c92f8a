// The gate in traffic control, where XDP isn't to be had: real connections, and what it leaves on
// the interfaces.
#include "base/fd.h"
#include "gate/enforce/command.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/xdp_engine.h"
#include "kernel/namespace_fixture.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
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

// Sends a frame as it is, and what comes back within 2 s with a TCP segment from its destination.
// The kernel hands the outermost tag over beside the frame; it is put back here.
class Wire {
  public:
    explicit Wire(const char* interface) : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
        sockaddr_ll where{};
        where.sll_family = AF_PACKET;
        where.sll_protocol = htons(ETH_P_ALL);
        where.sll_ifindex = static_cast<int>(if_nametoindex(interface));
        const int on = 1;
        const timeval wait{2, 0};
        ready_ = setsockopt(fd_.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) == 0 &&
                 setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
                 bind(fd_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof(where)) == 0;
    }
    [[nodiscard]] bool ready() const { return ready_; }
    std::optional<Seen> answer(const Frame& frame) {
        const Bytes bytes = frame.bytes();
        if (send(fd_.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
            return std::nullopt;
        }
        while (auto got = receive()) {
            const Seen seen = dissect(*got);
            if (seen.source == frame.destination) {
                return seen;
            }
        }
        return std::nullopt;
    }

  private:
    std::optional<Bytes> receive() {
        Bytes out(4096);
        std::array<std::uint8_t, 256> beside{};
        iovec part{out.data(), out.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = beside.data();
        message.msg_controllen = beside.size();
        const ssize_t size = recvmsg(fd_.get(), &message, 0);
        if (size < 14) {
            return std::nullopt;
        }
        out.resize(static_cast<std::size_t>(size));
        const cmsghdr* header = CMSG_FIRSTHDR(&message);
        tpacket_auxdata data{};
        if (header != nullptr && header->cmsg_type == PACKET_AUXDATA) {
            std::memcpy(&data, CMSG_DATA(header), sizeof(data));
        }
        if ((data.tp_status & TP_STATUS_VLAN_VALID) != 0) {
            const std::array<std::uint16_t, 2> tag{data.tp_vlan_tpid, data.tp_vlan_tci};
            Bytes octets;
            for (const std::uint16_t half : tag) {
                octets.push_back(static_cast<std::uint8_t>(half >> 8U));
                octets.push_back(static_cast<std::uint8_t>(half));
            }
            out.insert(out.begin() + 12, octets.begin(), octets.end());
        }
        return out;
    }

    UniqueFd fd_;
    bool ready_ = false;
};

// The kernel has taken the outermost tag out of the frame before traffic control sees it: it counts
// among the two that are looked behind, and the reset has it again.
TEST_F(TcNamespaces, ATagBesideTheFrameIsKept) {
    world_->in_router([&] {
        const auto engine = gate::make_xdp_engine(gate::XdpMode::Tc);
        ASSERT_TRUE(engine) << engine.error().message;
        ASSERT_TRUE((*engine)->apply(compile(op25b())));
        put_on(**engine, {"in0"});
        world_->in_client([&] {
            Wire wire("sub0");
            ASSERT_TRUE(wire.ready());
            for (const bool v4 : {true, false}) {
                Frame frame{
                    .source = {v4 ? kLine : kLine6, 40'000}, .destination = v4 ? kSmtp : kSmtp6
                };
                frame.tcp_options = 20;
                using Tags = std::vector<std::pair<std::uint16_t, std::uint16_t>>;
                for (const Tags& tags :
                     {Tags{}, Tags{{0x8100, 7}}, Tags{{0x88a8, 0x64}, {0x8100, 0x2007}}}) {
                    frame.tags = tags;
                    const auto seen = wire.answer(frame);
                    ASSERT_TRUE(seen) << tags.size();
                    EXPECT_TRUE(seen->valid) << seen->why;
                    EXPECT_EQ(seen->tags, tags);
                    EXPECT_EQ(seen->flags, kRst | kAck);
                }
            }
        });
        const std::uint64_t before = counter(**engine, "op25b").to.packets;
        EXPECT_EQ(before, 6U);
        world_->in_client([&] {
            Wire wire("sub0");
            Frame frame{.source = {kLine, 40'000}, .destination = kSmtp};
            frame.tags = {{0x88a8, 1}, {0x8100, 2}, {0x8100, 3}};
            EXPECT_FALSE(wire.answer(frame)) << "a third tag is not looked behind";
        });
        EXPECT_EQ(counter(**engine, "op25b").to.packets, before);
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
