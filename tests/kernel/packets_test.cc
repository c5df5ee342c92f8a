// Packet in, verdict and packet out, by BPF_PROG_TEST_RUN on the programs as they are attached in
// production: in XDP and in traffic control.
#include "kernel/packets_fixture.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

namespace sekisho::kernel_test {
namespace {

class EachProgram : public Packets, public testing::WithParamInterface<bool> {
  protected:
    [[nodiscard]] bool in_tc() const override { return GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(
    Packets,
    EachProgram,
    testing::Bool(),
    [](const testing::TestParamInfo<bool>& info) { return info.param ? "Tc" : "Xdp"; }
);

TEST_P(EachProgram, PassesWhatIsNotTcpPort25) {
    Frame frame{.source = kLine, .destination = at("203.0.113.9:587")};
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame.destination.port = 465;
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame.destination.port = 25;
    frame.protocol = 17;  // the same bytes as UDP
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame = {.source = kLine6, .destination = at("[2001:db8:f::9]:587")};
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame.destination.port = 25;
    frame.protocol = 58;
    EXPECT_EQ(verdict(frame), XDP_PASS);
    EXPECT_EQ(counter("op25b").to.packets, 0U);
    EXPECT_TRUE(flows().empty());
}

TEST_P(EachProgram, ASynIsAnsweredWithAResetThatAcknowledgesIt) {
    for (const bool v4 : {true, false}) {
        const Frame frame{
            .source = v4 ? kLine : kLine6,
            .destination = v4 ? kOutside : kOutside6,
            .seq = 0xffffffff,
            .tcp_options = 20,
        };
        const RunResult result = run(frame);
        ASSERT_EQ(result.verdict, XDP_TX);
        const Seen seen = dissect(result.out);
        ASSERT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.source, frame.destination);
        EXPECT_EQ(seen.destination, frame.source);
        EXPECT_EQ(seen.flags, kRst | kAck);
        EXPECT_EQ(seen.seq, 0U);
        EXPECT_EQ(seen.ack, 0U);  // 0xffffffff + 1: a SYN counts one
        EXPECT_EQ(seen.source_mac, kDestinationMac);
        EXPECT_EQ(seen.destination_mac, kSourceMac);
        EXPECT_EQ(result.out.size(), v4 ? 60U : 74U);
        EXPECT_EQ(seen.padding, v4 ? 6U : 0U);
    }
    EXPECT_EQ(statistic("resets_sent"), 2U);
}

TEST_P(EachProgram, ASegmentWithAckIsAnsweredFromItsAcknowledgement) {
    const Frame frame{
        .source = kLine,
        .destination = kOutside,
        .seq = 5,
        .ack = 777,
        .flags = kAck | kPsh,
        .payload = 300
    };
    const Seen seen = dissect(run(frame).out);
    ASSERT_TRUE(seen.valid) << seen.why;
    EXPECT_EQ(seen.flags, kRst);
    EXPECT_EQ(seen.seq, 777U);
    EXPECT_EQ(seen.ack, 0U);
}

TEST_P(EachProgram, DataSynAndFinCountInTheAcknowledgement) {
    Frame frame{
        .source = kLine6,
        .destination = kOutside6,
        .seq = 100,
        .flags = kSyn | kFin,
        .tcp_options = 12,
        .payload = 50
    };
    Seen seen = dissect(run(frame).out);
    ASSERT_TRUE(seen.valid) << seen.why;
    EXPECT_EQ(seen.ack, 152U);
    frame.source = kLine;
    frame.destination = kOutside;
    frame.flags = 0;
    frame.payload = 1;  // with the padding of a short frame behind it
    frame.tcp_options = 0;
    seen = dissect(run(frame).out);
    ASSERT_TRUE(seen.valid) << seen.why;
    EXPECT_EQ(seen.ack, 101U);
}

TEST_P(EachProgram, VlanTagsStayInTheReset) {
    for (const bool v4 : {true, false}) {
        Frame frame{.source = v4 ? kLine : kLine6, .destination = v4 ? kOutside : kOutside6};
        frame.tags = {{0x8100, 0x2064}};
        Seen seen = dissect(run(frame).out);
        ASSERT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.tags, frame.tags);
        frame.tags = {{0x88a8, 0x0064}, {0x8100, 0x0fff}};
        seen = dissect(run(frame).out);
        ASSERT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.tags, frame.tags);
        EXPECT_EQ(seen.flags, kRst | kAck);
        frame.tags = {{0x88a8, 1}, {0x8100, 2}, {0x8100, 3}};  // a third tag is not looked behind
        EXPECT_EQ(verdict(frame), XDP_PASS);
    }
}

TEST_P(EachProgram, IpOptionsAndExtensionHeadersAreReadAndNotSentBack) {
    Frame frame{.source = kLine, .destination = kOutside};
    for (const std::size_t options : {4U, 24U, 40U}) {
        frame.ip_options = options;
        const Seen seen = dissect(run(frame).out);
        ASSERT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.source, kOutside);
    }
    Frame six{.source = kLine6, .destination = kOutside6};
    six.extensions = {{0, 8}, {60, 24}, {43, 40}, {51, 16}, {44, 8}, {60, 2048}};
    const Seen seen = dissect(run(six).out);
    ASSERT_TRUE(seen.valid) << seen.why;
    EXPECT_EQ(seen.source, kOutside6);
    six.extensions.assign(8, {60, 8});
    EXPECT_EQ(verdict(six), XDP_TX);
    const std::uint64_t before = statistic("unreadable_passed");
    six.extensions.assign(9, {60, 8});  // beyond the bound: passes, and is counted
    EXPECT_EQ(verdict(six), XDP_PASS);
    EXPECT_EQ(statistic("unreadable_passed"), before + 1);
    six.extensions = {{59, 8}};  // no next header
    EXPECT_EQ(verdict(six), XDP_PASS);
}

TEST_P(EachProgram, AResetIsNeverAnswered) {
    Frame frame{.source = kLine, .destination = kOutside, .flags = kRst};
    EXPECT_EQ(verdict(frame), XDP_DROP);
    frame.flags = kRst | kAck;
    EXPECT_EQ(verdict(frame), XDP_DROP);
    EXPECT_EQ(statistic("refused_unanswered"), 2U);
    frame.flags = kSyn;
    frame.multicast_mac = true;
    EXPECT_EQ(verdict(frame), XDP_DROP);
}

TEST_P(EachProgram, AnswersFromPort25AreDropped) {
    for (const bool v4 : {true, false}) {
        const Frame frame{
            .source = v4 ? kOutside : kOutside6,
            .destination = v4 ? kLine : kLine6,
            .ack = 1001,
            .flags = kSyn | kAck,
        };
        EXPECT_EQ(verdict(frame), XDP_DROP);
    }
    EXPECT_EQ(counter("op25b").from.packets, 2U);
    EXPECT_EQ(counter("op25b").to.packets, 0U);
}

TEST_P(EachProgram, BothPorts25MeetsBothDirections) {
    Endpoint line = kLine;
    line.port = 25;
    EXPECT_EQ(verdict({.source = line, .destination = kOutside}), XDP_TX);
    EXPECT_EQ(verdict({.source = kOutside, .destination = line}), XDP_DROP);
    EXPECT_EQ(counter("").to.packets, 1U);  // outside -> subscribers, which no rule names
    EXPECT_EQ(counter("op25b").from.packets, 1U);
}

TEST_P(EachProgram, DropIsSilentAndObservePasses) {
    EXPECT_EQ(verdict({.source = kLine, .destination = kDropped}), XDP_DROP);
    EXPECT_EQ(verdict({.source = kLine, .destination = kObserved}), XDP_PASS);
    EXPECT_EQ(verdict({.source = at("203.0.113.1:9"), .destination = kDropped}), XDP_PASS);
    EXPECT_EQ(counter("quiet").to.packets, 1U);
    EXPECT_EQ(counter("quiet").to.bytes, 60U);
    EXPECT_EQ(counter("later").to.packets, 1U);
    EXPECT_EQ(counter("").to.packets, 1U);
    const auto seen = flows();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].rule, "quiet");
    EXPECT_TRUE(seen[0].blocked);
    EXPECT_EQ(seen[0].client.text(), "198.51.100.1");
    EXPECT_EQ(seen[0].client_port, 40000);
    EXPECT_EQ(seen[0].server.text(), "192.0.2.25");
    EXPECT_EQ(seen[1].rule, "later");
    EXPECT_FALSE(seen[1].blocked);
}

TEST_P(EachProgram, NonFirstFragmentsPassAndFirstOnesAreJudged) {
    Frame frame{.source = kLine, .destination = kOutside};
    frame.fragment = 0x2001;  // more to come, offset 8
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame.fragment = 0x00b9;
    EXPECT_EQ(verdict(frame), XDP_PASS);
    EXPECT_EQ(statistic("fragments_passed"), 2U);
    frame.fragment = 0x2000;  // the first: blocked, but a segment in pieces gets no reset
    EXPECT_EQ(verdict(frame), XDP_DROP);
    frame.fragment = 0x4000;  // don't fragment
    EXPECT_EQ(verdict(frame), XDP_TX);
    Frame six{.source = kLine6, .destination = kOutside6};
    six.extensions = {{44, 8}};
    six.fragment = 0x0009;
    EXPECT_EQ(verdict(six), XDP_PASS);
    EXPECT_EQ(statistic("fragments_passed"), 3U);
    six.fragment = 0x0001;
    EXPECT_EQ(verdict(six), XDP_DROP);
    six.fragment = 0;  // atomic (RFC 6946)
    EXPECT_EQ(verdict(six), XDP_TX);
}

// Cut anywhere, a frame has a defined verdict: nothing but a whole TCP header is answered.
TEST_P(EachProgram, CutFramesPassOrAreDroppedAndNeverAnswered) {
    for (const bool v4 : {true, false}) {
        Frame frame{.source = v4 ? kLine : kLine6, .destination = v4 ? kOutside : kOutside6};
        frame.pad = false;
        frame.tags = {{0x8100, 5}};
        const Bytes whole = frame.bytes();
        const std::size_t tcp = 14 + 4 + (v4 ? 20 : 40);
        for (std::size_t size = 14; size < whole.size(); ++size) {
            const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            const int got = run(cut).verdict;
            EXPECT_EQ(got, size < tcp + 4 ? XDP_PASS : XDP_DROP) << size;
        }
        EXPECT_EQ(run(whole).verdict, XDP_TX);
    }
}

TEST_P(EachProgram, HeadersThatLieAreNotAnswered) {
    Bytes frame = Frame{.source = kLine, .destination = kOutside, .pad = false}.bytes();
    const auto with = [&](std::size_t index, std::uint8_t value) {
        Bytes copy = frame;
        copy[index] = value;
        return run(copy).verdict;
    };
    EXPECT_EQ(with(14, 0x44), XDP_PASS);            // IHL below 5
    EXPECT_EQ(with(14, 0x65), XDP_PASS);            // version 6 in an IPv4 frame
    EXPECT_EQ(with(17, 21), XDP_DROP);              // total length ends inside the TCP header
    EXPECT_EQ(with(14 + 20 + 12, 0x40), XDP_DROP);  // data offset below 5
    EXPECT_EQ(with(12, 0x99), XDP_PASS);            // another EtherType
}

TEST_P(EachProgram, PppoeSessionsAreLookedIntoAndAnswered) {
    for (const bool v4 : {true, false}) {
        Frame frame{.source = v4 ? kLine : kLine6, .destination = v4 ? kOutside : kOutside6};
        frame.tags = {{0x8100, 7}};
        frame.pppoe = Ppp::Plain;
        const RunResult refused = run(frame);
        ASSERT_EQ(refused.verdict, XDP_TX);
        const Seen seen = dissect(refused.out);
        EXPECT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.session, kSession);
        EXPECT_EQ(seen.destination, frame.source);
        frame.pppoe = Ppp::Compressed;
        EXPECT_EQ(verdict(frame), XDP_DROP) << "judged, but there is no room for an answer";
        frame.destination.port = 587;
        EXPECT_EQ(verdict(frame), XDP_PASS);
    }
    Bytes frame = Frame{.source = kLine, .destination = kOutside, .pppoe = Ppp::Plain}.bytes();
    frame[15] = 0xa7;  // PADT: discovery, no session data
    EXPECT_EQ(run(frame).verdict, XDP_PASS);
}

TEST_P(EachProgram, TheInnerAddressesOfATunnelAreJudged) {
    const IpAddress out4 = *IpAddress::parse("203.0.113.77");
    const IpAddress far4 = *IpAddress::parse("203.0.113.78");
    const IpAddress out6 = *IpAddress::parse("2001:db8:ff::77");
    const IpAddress far6 = *IpAddress::parse("2001:db8:ff::78");
    for (const bool inner_v4 : {true, false}) {
        for (const Tunnel& tunnel :
             {Tunnel{out4, far4, false}, Tunnel{out6, far6, false}, Tunnel{out6, far6, true}}) {
            Frame frame{
                .source = inner_v4 ? kLine : kLine6, .destination = inner_v4 ? kOutside : kOutside6
            };
            frame.tunnel = tunnel;
            for (const Ppp ppp : {Ppp::None, Ppp::Plain}) {
                frame.pppoe = ppp;
                const RunResult refused = run(frame);
                ASSERT_EQ(refused.verdict, XDP_TX);
                const Seen seen = dissect(refused.out);
                EXPECT_TRUE(seen.valid) << seen.why;
                EXPECT_EQ(seen.destination, frame.source);
                ASSERT_TRUE(seen.tunnel);
                EXPECT_EQ(seen.tunnel->source, tunnel.destination);
                EXPECT_EQ(seen.tunnel->destination, tunnel.source);
                EXPECT_EQ(seen.tunnel->option, tunnel.option);
            }
            frame.destination.port = 465;
            EXPECT_EQ(verdict(frame), XDP_PASS);
        }
    }
    // The tunnel's ends in a blocked class, the packet inside in none: it passes.
    Frame frame{.source = at("203.0.113.5:40000"), .destination = kOutside};
    frame.tunnel = Tunnel{kLine.address, out4, false};
    EXPECT_EQ(verdict(frame), XDP_PASS);
}

}  // namespace
}  // namespace sekisho::kernel_test
