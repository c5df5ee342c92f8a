// What a peer's DNS says, by a resolver made for the test.
#include "mail/sender_lookups.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/wait.h"
#include "peer/judge.h"
#include "spf/check.h"

#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

IpAddress ip(const std::string& text) {
    return *IpAddress::parse(text);
}

// Answers what is written down; a dead name never, or not before the test has long ended.
class Names final : public net::Resolver {
  public:
    net::Task<Result<net::Answer<net::Mx>>> mx(std::string domain) override {
        net::Answer<net::Mx> out;
        out.records = exchanges[domain];
        co_return out;
    }
    net::Task<Result<net::Answer<std::string>>> txt(std::string name) override {
        if (dead.contains(name)) {
            co_await net::sleep_for(loops->executor(0), std::chrono::hours(1));
        }
        net::Answer<std::string> out;
        out.records = texts[name];
        out.no_such_name = missing.contains(name);
        co_return out;
    }
    net::Task<Result<net::Answer<IpAddress>>> addresses(std::string host, bool v4, bool v6)
        override {
        if (broken) {
            co_return fail(Errc::Unavailable, "SERVFAIL");
        }
        net::Answer<IpAddress> out;
        for (const IpAddress& each : hosts[host]) {
            if (each.is_v4() ? v4 : v6) {
                out.records.push_back(each);
            }
        }
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

    [[nodiscard]] Dns dns(Duration time = Duration(20'000)) {
        return {this, loops->executor(0), std::chrono::steady_clock::now() + time};
    }

    std::unique_ptr<net::Loops> loops = net::Loops::make(1);
    std::map<std::string, std::vector<IpAddress>> hosts;
    std::map<std::string, std::vector<std::string>> texts;
    std::map<std::string, std::vector<net::Mx>> exchanges;
    std::map<IpAddress, std::vector<std::string>> reverse;
    std::set<std::string> dead, missing;
    bool broken = false;
};

template <class T>
T run(Names& names, net::Task<T> task) {
    names.loops->run();
    T out = net::wait_for(names.loops->executor(0), std::move(task));
    names.loops->stop();
    return out;
}

peer::Facts look_up(Names& names, const std::string& address, const std::string& helo) {
    return run(names, look_up_peer(names.dns(), PeerQuestion{ip(address), helo, {}, {}}));
}

spf::Query query(const std::string& client) {
    spf::Query out;
    out.client = ip(client);
    out.helo = "mx.example.org";
    out.sender_local = "a";
    out.sender_domain = "example.org";
    return out;
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

TEST(Judging, ListsCountWithTheAnswersThatTheOperatorNames) {
    Names names;
    names.hosts["66.2.0.192.bl.example"] = {ip("127.0.0.4"), ip("127.0.0.10")};
    names.hosts["66.2.0.192.gone.example"] = {ip("192.0.2.1")};
    names.hosts["66.2.0.192.wl.example"] = {ip("127.0.10.3")};
    const auto list = [](const char* text) { return config::DnsList::parse(text).value(); };
    const PeerQuestion question{
        ip("192.0.2.66"),
        "",
        {list("bl.example=127.0.0.10*40"), list("bl.example=127.0.0.2"), list("gone.example")},
        {list("wl.example")}
    };
    const peer::Facts facts = run(names, look_up_peer(names.dns(), question));
    ASSERT_EQ(facts.listings.size(), 2U);
    EXPECT_EQ(facts.listings[0].zone, "bl.example");
    EXPECT_EQ(facts.listings[0].answer, "127.0.0.10");
    EXPECT_EQ(facts.listings[0].weight, -40);
    EXPECT_EQ(facts.listings[1].zone, "wl.example");
    EXPECT_EQ(facts.listings[1].weight, 25);
}

TEST(Spf, AsksForAllKindsOfRecords) {
    Names names;
    names.texts["example.org"] = {
        "v=spf1 exists:%{ir}.x.example mx:m.example a:six.example ptr:example.org -all"
    };
    names.exchanges["m.example"] = {{20, "b.m.example"}, {10, "a.m.example"}};
    names.hosts["six.example"] = {ip("2001:db8::1")};
    names.reverse[ip("192.0.2.25")] = {"mx.example.org"};
    names.hosts["mx.example.org"] = {ip("192.0.2.25")};
    const spf::Outcome outcome = run(names, look_up_spf(names.dns(), query("192.0.2.25")));
    EXPECT_EQ(outcome.result, spf::Code::Pass) << outcome.problem;
    EXPECT_EQ(outcome.mechanism, "ptr:example.org");
    EXPECT_EQ(spf_domain(outcome), "example.org");
}

TEST(Spf, ADeadDnsIsATemporaryError) {
    Names names;
    names.dead = {"example.org"};
    const spf::Outcome outcome =
        run(names, look_up_spf(names.dns(Duration(50)), query("192.0.2.25")));
    EXPECT_EQ(outcome.result, spf::Code::TempError);
    EXPECT_EQ(outcome.problem, "no answer for example.org");
    EXPECT_EQ(spf_domain(outcome), "");
}

TEST(Spf, ARecordForEverybodySpeaksForNobody) {
    Names names;
    names.texts["example.org"] = {"v=spf1 +ALL"};
    const spf::Outcome outcome = run(names, look_up_spf(names.dns(), query("192.0.2.25")));
    EXPECT_EQ(outcome.result, spf::Code::Pass);
    EXPECT_EQ(spf_domain(outcome), "");
}

TEST(Dmarc, WalksAndLooksWhetherTheAuthorExists) {
    Names names;
    names.texts["_dmarc.example.org"] = {"v=DMARC1; p=none; np=reject"};
    names.missing = {"nobody.example.org"};
    const dmarc::Input input{"nobody.example.org", {}};
    const dmarc::Outcome outcome = run(names, look_up_dmarc(names.dns(), input));
    EXPECT_EQ(outcome.result, dmarc::Result::Fail);
    EXPECT_EQ(outcome.disposition, dmarc::Policy::Reject);
    EXPECT_EQ(outcome.policy_domain, "example.org");
}

TEST(Dmarc, ADeadDnsIsATemporaryError) {
    Names names;
    names.dead = {"_dmarc.org"};
    const dmarc::Input input{"example.org", {}};
    EXPECT_EQ(
        run(names, look_up_dmarc(names.dns(Duration(50)), input)).result, dmarc::Result::TempError
    );
}

}  // namespace
}  // namespace sekisho::mail
