// A small fixed sample of what bench/peer judges at large: names of mail servers as large senders
// and small sites have them, names of lines as access providers have them.
#include "base/ip.h"
#include "peer/judge.h"

#include <array>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::peer {
namespace {

Opinion opinion(const std::string& name, const std::string& helo, bool helo_leads_back) {
    Facts facts;
    facts.address = *IpAddress::parse("203.0.113.47");
    facts.our_names = {"mx.example.net", "example.net"};
    facts.ptr_names = facts.confirmed = {name};
    facts.helo = helo;
    facts.helo_leads_back = helo_leads_back;
    return judge(facts).opinion;
}

constexpr auto kServers = std::to_array<const char*>({
    "mail-wr1-f47.mail.example",
    "a47-113.smtp-out.region.cloudmail.example",
    "mail-db5eur01on2047.outbound.protection.example",
    "sonic47-21.consmr.mail.ne1.portal.example",
    "o47.sg.sender.example",
    "mta-203-0-113-47.sparkpost.example",
    "lists.project.example",
    "fe47.cox.example",
    "smtp47.provider.example",
    "gw.bas.company.example",
    "server-x047.hoster.example",
    "static.47.113.0.203.clients.hoster.example",
    "ik1-123-45678.vs.hoster.example",
    "piggy.rz.tu-town.example",
    "mail.example.org",
    "kaze.example.org",
    "203-0-113-47.static.hoster.example",
    "mx2.city.example",
});

constexpr auto kLines = std::to_array<const char*>({
    "ppp-203-0-113-47.dyn.access.example",
    "203-0-113-47.dsl.access.example",
    "cpe-203-0-113-47.city.res.access.example",
    "c-203-0-113-47.hsd1.city.access.example",
    "pool-203-0-113-47.city.fios.access.example",
    "cb00712f.cust.access.example",
    "softbank203000113047.bbtec.net",
    "i203-0-113-47.s02.a014.ap.plala.or.jp",
    "fl1-203-0-113-47.tky.mesh.ad.jp",
    "mobile-203-0-113-47.access.example",
});

TEST(Confusion, NoServerThatIsSetUpRightIsJudgedAClient) {
    for (const char* name : kServers) {
        EXPECT_EQ(opinion(name, name, true), Opinion::Server) << name;
        EXPECT_NE(opinion(name, "mail.elsewhere.example", false), Opinion::Client) << name;
    }
}

TEST(Confusion, APcOnALineIsJudgedAClient) {
    for (const char* name : kLines) {
        EXPECT_EQ(opinion(name, "DESKTOP-4F2K", false), Opinion::Client) << name;
        EXPECT_NE(opinion(name, name, true), Opinion::Server) << name;
    }
}

}  // namespace
}  // namespace sekisho::peer
