// What a peer's DNS says, by a resolver made for the test.
#include "mail/judging.h"

#include "base/ip.h"
#include "base/result.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "peer/judge.h"

#include <future>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

IpAddress ip(const std::string& text) {
    return *IpAddress::parse(text);
}

class Names final : public net::Resolver {
  public:
    net::Task<Result<net::Answer<net::Mx>>> mx(std::string /*domain*/) override {
        co_return fail(Errc::Unavailable, "not asked for");
    }
    net::Task<Result<net::Answer<std::string>>> txt(std::string /*name*/) override {
        co_return fail(Errc::Unavailable, "not asked for");
    }
    net::Task<Result<net::Answer<IpAddress>>> addresses(
        std::string host, bool /*v4*/, bool /*v6*/
    ) override {
        if (broken) {
            co_return fail(Errc::Unavailable, "SERVFAIL");
        }
        net::Answer<IpAddress> out;
        out.records = hosts[host];
        co_return out;
    }
    net::Task<Result<net::Answer<std::string>>> ptr(IpAddress address) override {
        if (broken) {
            co_return fail(Errc::Unavailable, "SERVFAIL");
        }
        net::Answer<std::string> out;
        out.records = reverse[address];
        co_return out;
    }

    std::map<std::string, std::vector<IpAddress>> hosts;
    std::map<IpAddress, std::vector<std::string>> reverse;
    bool broken = false;
};

peer::Facts look_up(Names& names, const std::string& address, const std::string& helo) {
    const auto loops = net::Loops::make(1);
    loops->run();
    std::promise<peer::Facts> promise;
    auto wait = [](Names* asked, IpAddress who, std::string says, std::promise<peer::Facts>* done
                ) -> net::Task<void> {
        auto facts = co_await look_up_peer(asked, who, std::move(says));
        done->set_value(std::move(facts));
    };
    auto task = wait(&names, ip(address), helo, &promise);
    net::spawn(loops->executor(0), std::move(task), "test");
    peer::Facts facts = promise.get_future().get();
    loops->stop();
    return facts;
}

TEST(Judging, AServerIsOneWhoseNamesLeadBack) {
    Names names;
    names.reverse[ip("192.0.2.25")] = {"mx.example.org"};
    names.hosts["mx.example.org"] = {ip("192.0.2.25")};
    const peer::Facts facts = look_up(names, "192.0.2.25", "mx.example.org");
    EXPECT_EQ(facts.confirmed, std::vector<std::string>{"mx.example.org"});
    EXPECT_EQ(facts.helo_leads_back, true);
    EXPECT_EQ(peer::judge(facts).opinion, peer::Opinion::Server);
}

TEST(Judging, AForgedNameSpeaksForNobody) {
    Names names;
    names.reverse[ip("192.0.2.66")] = {"mx.bank.example", "mail.bank.example"};
    names.hosts["mx.bank.example"] = {ip("203.0.113.1")};
    const peer::Facts facts = look_up(names, "192.0.2.66", "mx.bank.example");
    EXPECT_TRUE(facts.names_known);
    EXPECT_EQ(facts.ptr_names.size(), 2U);
    EXPECT_TRUE(facts.confirmed.empty());
    EXPECT_EQ(facts.helo_leads_back, false);
    EXPECT_NE(peer::judge(facts).opinion, peer::Opinion::Server);
}

TEST(Judging, WithoutANameItIsAClient) {
    Names names;
    const peer::Facts facts = look_up(names, "2001:db8::66", "pc");
    EXPECT_TRUE(facts.names_known);
    EXPECT_EQ(peer::judge(facts).opinion, peer::Opinion::Client);
}

// Our resolver's trouble is not their fault.
TEST(Judging, WhatCannotBeLookedUpIsNoEvidence) {
    Names names;
    names.broken = true;
    const peer::Facts facts = look_up(names, "192.0.2.25", "mx.example.org");
    EXPECT_FALSE(facts.names_known);
    EXPECT_FALSE(facts.helo_leads_back.has_value());
    EXPECT_EQ(peer::judge(facts).opinion, peer::Opinion::Unknown);
}

TEST(Judging, AnAddressAsGreetingIsNotLookedUp) {
    Names names;
    const peer::Facts facts = look_up(names, "192.0.2.66", "[192.0.2.66]");
    EXPECT_FALSE(facts.helo_leads_back.has_value());
}

}  // namespace
}  // namespace sekisho::mail
