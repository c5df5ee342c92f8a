#include "line/kea_leases.h"

#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"
#include "line/memory_store.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::line {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;  // seconds
const std::string kHead4 =
    "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,"
    "user_context\n";
const std::string kHead6 =
    "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,"
    "fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source\n";

Time at(std::int64_t seconds) {
    return Time{std::chrono::seconds{kNow + seconds}};
}

// A row about 192.0.2.7: the client's last octet, when it was granted, for how long, its state.
std::string row4(
    int client, int granted, int valid, int state = 0, const std::string& context = ""
) {
    const std::string id = "01:00:0c:01:02:03:" + std::to_string(client);
    return "192.0.2.7,00:0c:01:02:03:" + std::to_string(client) + "," + id + "," +
           std::to_string(valid) + "," + std::to_string(kNow + granted + valid) + ",1,0,0,host-" +
           std::to_string(client) + "," + std::to_string(state) + "," + context + "\n";
}

class Kea : public ::testing::Test {
  protected:
    void feed(const std::string& text, std::int64_t now, bool live = true) {
        leases_.feed(text, at(now), live);
        ASSERT_TRUE(store_.put_all(leases_.take(at(now))));
    }
    void begin(const std::string& head) {
        leases_.begin_file("f.csv");
        leases_.feed(head, at(0), true);
    }
    std::string who(std::int64_t when, const char* address = "192.0.2.7") {
        const auto answer = resolve(
            *store_.holders(*IpAddress::parse(address), at(when)),
            *IpAddress::parse(address),
            at(when)
        );
        return answer.certainty == Certainty::Ambiguous ? "ambiguous" : answer.line;
    }
    MemoryLineStore store_;
    KeaLeases leases_{"kea:t", KeaField::Hostname};
};

TEST_F(Kea, ALeaseFromItsGrantToItsEnd) {
    begin(kHead4);
    feed(row4(1, 0, 600), 1);
    EXPECT_EQ(who(-1), "");
    EXPECT_EQ(who(0), "host-1");
    feed(row4(1, 300, 600), 301);  // renewed
    feed("", 899);
    EXPECT_EQ(who(899), "host-1");
    feed("", 950);  // run out at 900, and nobody wrote so
    EXPECT_EQ(who(899), "host-1");
    EXPECT_EQ(who(900), "");
    EXPECT_EQ(leases_.held(), 0U);
    // The same again after a pause is another session.
    feed(row4(1, 2000, 600), 2001);
    EXPECT_EQ(who(1500), "");
    EXPECT_EQ(who(2100), "host-1");
    EXPECT_EQ(leases_.errors().size(), 0U);
}

TEST_F(Kea, AnAddressGoesToAnother) {
    begin(kHead4);
    feed(row4(1, 0, 600), 1);
    feed(row4(1, 0, 0), 100);  // released: the row has the time of the grant
    feed(row4(2, 100, 600), 101);
    EXPECT_EQ(who(99), "host-1");
    EXPECT_EQ(who(101), "host-2");
    // In one second, and without a release.
    feed(row4(2, 100, 0) + row4(3, 300, 600) + row4(4, 300, 600), 300);
    EXPECT_EQ(who(301), "host-4");
    EXPECT_EQ(leases_.held(), 1U);
    EXPECT_EQ(who(299), "host-2");
    feed(row4(5, 350, 600), 351);
    EXPECT_EQ(who(349), "host-4");
    EXPECT_EQ(who(350), "host-5");
    EXPECT_EQ(leases_.held(), 1U);
    // Declined: nobody's.
    feed(row4(5, 400, 600, 1), 400);
    EXPECT_EQ(who(401), "");
}

TEST_F(Kea, WhatWasWrittenBeforeWeLookedDoesNotSayWhenItWasReleased) {
    begin(kHead4);
    feed(row4(1, 0, 600) + row4(1, 50, 600) + row4(1, 50, 0), 500, false);
    EXPECT_EQ(who(49), "host-1");
    EXPECT_EQ(who(51), "") << "it was renewed at 50, and nobody knows how long it held after";
}

TEST_F(Kea, DelegatedPrefixesAndAddressesOfIPv6) {
    leases_ = KeaLeases{"kea:t", KeaField::Duid};
    begin(kHead6);
    const std::string end = std::to_string(kNow + 600);
    feed(
        "2001:db8:1:100::,00:01:02,600," + end + ",1,300,2,7,56,0,0,,,0,,,\n" +
            "2001:db8::9,00:01:03,600," + end + ",1,300,0,7,128,0,0,,,0,,,\n" +
            "2001:db8:1:200::,00:01:04,4294967295," + std::to_string(kNow + 4294967295) +
            ",1,300,2,7,56,0,0,,,0,,,\n",
        1
    );
    EXPECT_EQ(who(1, "2001:db8:1:1ff::1"), "00:01:02");
    EXPECT_EQ(who(1, "2001:db8::9"), "00:01:03");
    feed("", 10'000'000);
    EXPECT_EQ(who(9'000'000, "2001:db8:1:2ff::1"), "00:01:04") << "a lease without end";
    EXPECT_EQ(who(9'000'000, "2001:db8::9"), "");
}

TEST_F(Kea, WhatTheRelaySays) {
    const auto line_by = [](KeaField field, const std::string& head, const std::string& row) {
        KeaLeases leases{"kea:t", field};
        leases.begin_file("f.csv");
        leases.feed(head + row, at(1), true);
        const auto open = leases.holding();
        return open.size() == 1 ? open[0].line : "?";
    };
    // 1: "port-7", 2: bytes. Kea writes the comma of JSON as &#x2c.
    const std::string v22 = R"({ "ISC": { "relay-agent-info": "0x0106706F72742D370203FF0001" } })";
    const std::string v24 =
        R"({"ISC":{"relay-agent-info":{"sub-options":"0x0106706F72742D370203FF0001"&#x2c"x":1}}})";
    for (const std::string& context : {v22, v24}) {
        EXPECT_EQ(line_by(KeaField::CircuitId, kHead4, row4(1, 0, 600, 0, context)), "port-7");
        EXPECT_EQ(line_by(KeaField::RemoteId, kHead4, row4(1, 0, 600, 0, context)), "ff0001");
    }
    const std::string relays =
        R"({ "ISC": { "relays": [ { "hop": 0&#x2c "options": "0x00120003666172" }&#x2c )"
        R"({ "hop": 1&#x2c "options": "0x0012000365746800250007000000096C3037" } ] } })";
    const std::string row6 = "2001:db8::9,00:01:03,600," + std::to_string(kNow + 600) +
                             ",1,300,0,7,128,0,0,,,0," + relays + ",,\n";
    EXPECT_EQ(line_by(KeaField::CircuitId, kHead6, row6), "eth") << "of the relay at the client";
    EXPECT_EQ(line_by(KeaField::RemoteId, kHead6, row6), "l07");
    // Nothing said: held, and by nobody that we know.
    EXPECT_EQ(line_by(KeaField::CircuitId, kHead4, row4(1, 0, 600, 0, "{\"a\": 1}")), "");
    EXPECT_EQ(line_by(KeaField::CircuitId, kHead4, row4(1, 0, 600, 0, "not json")), "");
}

TEST_F(Kea, WrongRowsAreToldAndTheOthersCount) {
    begin(kHead4);
    feed(
        "nonsense\n" + row4(1, 0, 600) + "192.0.2.300,a,b,1,2,1,0,0,h,0,\n" +
            "192.0.2.8,a,b,x,2,1,0,0,h,0,\n",
        1
    );
    EXPECT_EQ(who(1), "host-1");
    ASSERT_EQ(leases_.error_count(), 3U);
    EXPECT_EQ(leases_.errors()[0].text(), "f.csv:2: a row has 11 fields, this one 1");
    EXPECT_EQ(leases_.errors()[1].row, 4U);
    EXPECT_EQ(leases_.errors()[2].row, 5U);
    KeaLeases other{"kea:t", KeaField::Hwaddr};
    other.begin_file("passwd");
    other.feed("root:x:0:0\nroot:x:0:0\n", at(0), true);
    ASSERT_EQ(other.error_count(), 1U);
    EXPECT_NE(other.errors()[0].message.find("no lease file of Kea"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::line
