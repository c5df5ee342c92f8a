// Rules that answer, by both engines: a subscriber's connection through a router that runs the gate
// ends at the responder, which speaks from the address that was called.
#include "gate/answer/responder.h"
#include "gate/enforce/command.h"
#include "gate/enforce/engine.h"
#include "kernel/packets.h"
#include "kernel/packets_fixture.h"
#include "kernel/world.h"
#include "policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <memory>
#include <string>

namespace sekisho::kernel_test {
namespace {

using testing::HasSubstr;
using testing::Not;

const IpAddress kHome = *IpAddress::parse("198.51.100.1");
const IpAddress kHome6 = *IpAddress::parse("2001:db8:1::1");
const IpAddress kServer = *IpAddress::parse("198.51.100.2");
const IpAddress kServer6 = *IpAddress::parse("2001:db8:1::2");
const Endpoint kSmtp = at("203.0.113.9:25");
const Endpoint kSmtp6 = at("[2001:db8:f::9]:25");
const Endpoint kSubmission = at("203.0.113.9:587");

policy::Source tells(Action action = Action::Answer) {
    policy::Source source;
    source.classes = {
        group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"}),
        group("static", {"198.51.100.2", "2001:db8:1::2"}),
    };
    source.rules = {rule("op25b", "subscribers", "outside", action)};
    return source;
}

std::string said(const char* program, const std::vector<std::string>& words) {
    const auto out = gate::run_command(program, words, "");
    return out ? out->out + out->err : out.error().message;
}

class Answering : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        if (!is_root()) {
            GTEST_SKIP() << "needs root: makes network namespaces";
        }
        world_ = std::make_unique<World>();
        ASSERT_EQ(world_->problem(), "");
    }
    void start() {
        auto responder = gate::Responder::start({}, [](const Endpoint& client, const Endpoint& to) {
            return smtp::reply(554, "5.7.1", client.address.text() + " to " + to.text());
        });
        ASSERT_TRUE(responder) << responder.error().message;
        responder_ = std::move(*responder);
        auto engine =
            GetParam() ? gate::make_xdp_engine(gate::XdpMode::Auto) : gate::make_nft_engine();
        ASSERT_TRUE(engine) << engine.error().message;
        engine_ = std::move(*engine);
        engine_->set_responder({responder_->port_v4(), responder_->port_v6()});
    }
    void put(const policy::Source& source) {
        const Status applied = engine_->apply(compile(source));
        ASSERT_TRUE(applied) << applied.error().message;
        put_on_interfaces();
        ASSERT_TRUE(engine_->describe().downgrades.empty())
            << engine_->describe().downgrades[0].reason;
    }
    void put_on_interfaces() {
        for (const auto& [name, status] : engine_->attach({"in0", "out0"})) {
            ASSERT_TRUE(status) << name << ": " << status.error().message;
        }
    }
    int from(const IpAddress& source, const Endpoint& destination) {
        return world_->connect_from(source, destination);
    }
    std::string line(const IpAddress& source, const Endpoint& destination) {
        return world_->first_line(source, destination);
    }
    void expect_answered() {
        EXPECT_EQ(line(kHome, kSmtp), "554 5.7.1 198.51.100.1 to 203.0.113.9:25\r\n");
        EXPECT_EQ(line(kHome6, kSmtp6), "554 5.7.1 2001:db8:1::1 to [2001:db8:f::9]:25\r\n");
        EXPECT_EQ(from(kHome, kSubmission), 0);
        EXPECT_EQ(from(kServer, kSmtp), 0);
        EXPECT_EQ(from(kServer6, kSmtp6), 0);
    }
    void expect_nothing_left() {
        EXPECT_EQ(said("nft", {"list", "tables"}), "");
        for (const char* family : {"-4", "-6"}) {
            EXPECT_THAT(said("ip", {family, "rule"}), Not(HasSubstr("8825"))) << family;
            EXPECT_THAT(
                said("ip", {family, "route", "show", "table", "all"}), Not(HasSubstr("8825"))
            ) << family;
        }
    }

    std::unique_ptr<World> world_;
    std::unique_ptr<gate::Responder> responder_;
    std::unique_ptr<gate::Engine> engine_;
};

TEST_P(Answering, TellsFromTheCalledAddressAndLeavesNothingBehind) {
    world_->in_router([&] {
        start();
        put(tells());
        expect_answered();
        std::uint64_t counted = 0;
        for (const gate::RuleCounter& one : *engine_->counters()) {
            counted += one.rule == "op25b" ? one.to.packets : 0;
        }
        EXPECT_GT(counted, 4U) << "what is answered is counted by its rule";
        ASSERT_TRUE(engine_->set_overrides({{*Prefix::parse("198.51.100.1"), 0, {}}}));
        EXPECT_EQ(line(kHome, kSmtp), "") << "an exemption reaches the server, which says nothing";
        EXPECT_EQ(line(kHome6, kSmtp6).substr(0, 3), "554");
        ASSERT_TRUE(engine_->set_overrides({}));
        expect_answered();

        put(tells(Action::Refuse));
        EXPECT_EQ(from(kHome, kSmtp), ECONNREFUSED);
        put(tells());
        expect_answered();
        ASSERT_TRUE(engine_->detach());
        EXPECT_EQ(line(kHome, kSmtp), "");
        expect_nothing_left();
        put_on_interfaces();
        if (GetParam()) {
            ASSERT_TRUE(engine_->apply(compile(tells())));
        }
        expect_answered();
        engine_.reset();
        expect_nothing_left();
    });
}

TEST_P(Answering, WithoutTheResponderItIsRefusedNotPassed) {
    world_->in_router([&] {
        start();
        put(tells());
        responder_.reset();
        EXPECT_EQ(from(kHome, kSmtp), ECONNREFUSED);
        EXPECT_EQ(from(kHome6, kSmtp6), ECONNREFUSED);
        EXPECT_EQ(from(kServer, kSmtp), 0);
    });
}

INSTANTIATE_TEST_SUITE_P(Engines, Answering, testing::Bool(), [](const auto& info) {
    return info.param ? "Xdp" : "Nftables";
});

class AnsweringXdp : public Answering {};

TEST_P(AnsweringXdp, ATableThatSomebodyFlushedIsLoadedAgain) {
    world_->in_router([&] {
        start();
        put(tells());
        ASSERT_EQ(said("nft", {"flush", "ruleset"}), "");
        put_on_interfaces();  // as the daemon does every second
        expect_answered();
    });
}

TEST_P(AnsweringXdp, WhatAKilledGateLeftGoesWithTheNextThatNeedsItNot) {
    world_->in_router([&] {
        start();
        put(tells());
        const std::string table = said("nft", {"list", "ruleset"});
        engine_.reset();
        ASSERT_EQ(gate::run_command("nft", {"-f", "-"}, table)->status, 0);
        start();
        put(tells(Action::Refuse));
        expect_nothing_left();
        ASSERT_EQ(gate::run_command("nft", {"-f", "-"}, table)->status, 0);
        EXPECT_TRUE(*gate::remove_nft_table()) << "and with gate detach";
        expect_nothing_left();
    });
}

INSTANTIATE_TEST_SUITE_P(Engines, AnsweringXdp, testing::Values(true), [](const auto&) {
    return "Xdp";
});

// What the program does with the packets themselves.
TEST_F(Packets, AnAnswerPassesToTheResponderAndItsReturnPathIsClosed) {
    engine_->set_responder({2525, 2526});
    ASSERT_TRUE(engine_->apply(compile(tells())));
    EXPECT_TRUE(engine_->describe().downgrades.empty());
    const Frame open{.source = kLine, .destination = kOutside};
    EXPECT_EQ(verdict(open), XDP_PASS);
    EXPECT_EQ(verdict({.source = kLine6, .destination = kOutside6}), XDP_PASS);
    Frame session = open;
    session.pppoe = Ppp::Plain;
    EXPECT_EQ(verdict(session), XDP_TX) << "it may end on another machine: refused";
    EXPECT_EQ(verdict({.source = kOutside, .destination = kLine}), XDP_DROP)
        << "an answer whose question took another way";
    EXPECT_EQ(counter("op25b").to.packets, 3U);
    const auto seen = flows();
    ASSERT_EQ(seen.size(), 2U) << "those that were stopped; the responder tells of the others";
}

TEST_F(Packets, ClientClassesAreCountedWhateverTheRule) {
    const auto of = [&](const std::string& name) {
        for (const gate::ClassCounter& one : *engine_->class_counters()) {
            if (one.name == name) {
                return one;
            }
        }
        return gate::ClassCounter{};
    };
    (void)verdict({.source = kLine, .destination = kDropped});
    (void)verdict({.source = kLine, .destination = kOutside});
    (void)verdict({.source = kOutside, .destination = kLine});
    (void)verdict({.source = at("192.0.2.7:4000"), .destination = kOutside});
    EXPECT_EQ(of("subscribers").to.packets, 2U);
    EXPECT_EQ(of("subscribers").from.packets, 1U);
    EXPECT_EQ(of("silent").to.packets, 1U);
    policy::Source other = tells(Action::Drop);
    std::swap(other.classes[0], other.classes[1]);
    ASSERT_TRUE(engine_->apply(compile(other)));
    (void)verdict({.source = kLine, .destination = kOutside});
    EXPECT_EQ(of("subscribers").to.packets, 3U) << "by name, across the swap";
    EXPECT_EQ(of("static").to.packets, 0U);
}

}  // namespace
}  // namespace sekisho::kernel_test
