#include "gate/replay/replay.h"

#include "base/ip.h"
#include "base/time.h"
#include "gate/replay/flow_log.h"
#include "gate/replay/seen.h"
#include "policy/policy.h"
#include "policy/stages.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::gate {
namespace {

using policy::Action;
using policy::Stage;

constexpr Time kNow{Duration{1'800'000'000'000}};
constexpr Duration kDay{24LL * 3600 * 1000};

policy::Source source() {
    policy::Source out;
    out.classes = {
        {"subscribers", "", {*Prefix::parse("198.51.100.0/24")}, ""},
        {"mobile", "", {*Prefix::parse("192.0.2.0/24")}, ""},
    };
    policy::RuleSource rule{
        "op25b", "subscribers", "*", Action::Refuse, Stage::Observe, "", "", {}, {}, {}
    };
    rule.steps.push_back({kNow + kDay, Stage::Enforce, "mobile", {}, ""});
    rule.steps.push_back({kNow + 2 * kDay, Stage::Enforce, "", {{}, 50}, ""});
    out.rules = {rule};
    return out;
}

Replay at(Time time) {
    return Replay(*policy::compile_at(source(), time));
}

SeenFlow flow(std::string line, std::string_view client, std::string server_class) {
    SeenFlow out;
    out.at = kNow;
    out.client = *IpAddress::parse(client);
    out.line = std::move(line);
    out.server_class = std::move(server_class);
    return out;
}

TEST(Seen, TheOtherEndIsReadAsItIsWritten) {
    for (const auto direction : {policy::Direction::ToPort25, policy::Direction::FromPort25}) {
        EXPECT_EQ(class_of_other_end(other_end(direction, "mobile")), "mobile");
    }
    EXPECT_FALSE(class_of_other_end("to port 25 of class "));
    EXPECT_FALSE(class_of_other_end("by hand"));
}

TEST(Replay, TheStageOfTheDayDecides) {
    for (const auto& [days, change] :
         {std::pair{0, Replay::Change::None}, std::pair{1, Replay::Change::Lost}}) {
        Replay replay = at(kNow + days * kDay);
        replay.add(flow("L1", "198.51.100.7", "mobile"));
        replay.add(flow("L1", "198.51.100.7", "outside"));
        ASSERT_EQ(replay.senders().size(), 1U);
        const auto one = replay.senders().front();
        EXPECT_EQ(one.change(), change) << days;
        EXPECT_EQ(one.lost, days) << "only what went to mobile carriers";
        EXPECT_EQ(one.of(Fate::Passes), 2 - days);
    }
}

TEST(Replay, AShareIsOfTheFlowsOwnLine) {
    Replay replay = at(kNow + 2 * kDay);
    std::string in = "L0";
    for (int i = 1; policy::share_of(in) >= 50; ++i) {
        in = "L" + std::to_string(i);
    }
    std::string out = "M0";
    for (int i = 1; policy::share_of(out) < 50; ++i) {
        out = "M" + std::to_string(i);
    }
    for (const std::string& line : {in, out, std::string{}}) {
        replay.add(flow(line, "198.51.100.7", "outside"));
    }
    for (const auto& one : replay.senders()) {
        EXPECT_EQ(one.change(), one.line == in ? Replay::Change::Lost : Replay::Change::None)
            << one.line;
    }
}

TEST(Replay, WhatWasCutAndPassesIsRegained) {
    Replay replay = at(kNow);
    SeenFlow cut = flow("", "198.51.100.7", "outside");
    cut.was_cut = true;
    cut.packets = 3;
    replay.add(cut);
    SeenFlow gone = flow("", "198.51.100.8", "a-class-of-before");
    replay.add(gone);
    const auto senders = replay.senders();
    ASSERT_EQ(senders.size(), 2U);
    EXPECT_EQ(senders[0].change(), Replay::Change::Regained);
    EXPECT_EQ(senders[0].regained, 3);
    EXPECT_EQ(senders[1].of(Fate::Undecided), 1);
    EXPECT_EQ(senders[1].change(), Replay::Change::None);
}

TEST(FlowLog, NfdumpTsharkAndPlain) {
    for (const std::string_view text : {
             "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt\n"
             "2026-11-24 09:00:00,2026-11-24 "
             "09:00:01,1.0,198.51.100.7,192.0.2.1,4711,25,TCP,....S.,3,180\n"
             "2026-11-24 09:00:00,2026-11-24 "
             "09:00:01,1.0,198.51.100.7,192.0.2.1,4711,443,TCP,....S.,3,180\n",
             "frame.time_epoch\tip.src\tipv6.src\tip.dst\tipv6.dst\ttcp.dstport\tpackets\n"
             "1795510800.000\t198.51.100.7\t\t192.0.2.1\t\t25\t3\n"
             "1795510800.000\t\t2001:db8::1\t\t2001:db8::2\t443\t1\n",
             "Line;Client;Server;Time;Packets;Port\r\n"
             ";198.51.100.7;192.0.2.1;2026-11-24T18:00:00+09:00;3;25\r\n"
             ";198.51.100.7;192.0.2.1;2026-11-24T18:00:00+09:00;3;587\r\n",
         }) {
        const FlowLog log = read_flow_log(text);
        EXPECT_EQ(log.faulty, 0U) << text;
        EXPECT_EQ(log.other_ports, 1U) << text;
        ASSERT_EQ(log.flows.size(), 1U) << text;
        EXPECT_EQ(log.flows[0].client.text(), "198.51.100.7");
        EXPECT_EQ(log.flows[0].server->text(), "192.0.2.1");
        EXPECT_EQ(log.flows[0].packets, 3);
        EXPECT_EQ(rfc3339(log.flows[0].at).substr(0, 19), "2026-11-24T09:00:00") << text;
    }
}

TEST(FlowLog, AWrongRowIsToldAndTheOthersCount) {
    const FlowLog log = read_flow_log(
        "client,server,time,port,packets\n"
        "198.51.100.300,192.0.2.1,,25,\n"
        "198.51.100.7,,,25,\n"
        "198.51.100.7,192.0.2.1,yesterday,25,\n"
        "198.51.100.7,192.0.2.1,1e300,25,\n"
        "198.51.100.7,192.0.2.1,,smtp,\n"
        "198.51.100.7,192.0.2.1,,25,-1\n"
        "198.51.100.7,\"192.0.2.1,,25,\n"
    );
    EXPECT_EQ(log.faulty, 7U);
    EXPECT_TRUE(log.flows.empty());
    const FlowLog some = read_flow_log("client,server\nx,y\n198.51.100.7,192.0.2.1\n");
    EXPECT_EQ(some.flows.size(), 1U);
    ASSERT_EQ(some.faults.size(), 1U);
    EXPECT_EQ(some.faults[0].row, 2U);
    for (const std::string_view text : {"", "a,b\n1,2\n", "client\n198.51.100.7\n"}) {
        EXPECT_NE(read_flow_log(text).faults.at(0).message.find("no columns"), std::string::npos);
    }
}

}  // namespace
}  // namespace sekisho::gate
