// Which of a host's addresses mail goes to.
#include "base/time.h"
#include "delivery/deliverer_fixture.h"
#include "delivery/routes/source.h"
#include "net/test_silent.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::delivery {
namespace {

class AddressesTest : public DelivererTest {
  protected:
    void hosts(const std::vector<std::string>& addresses) {
        resolver.add("other.example", {{10, "mx.other.example"}});
        resolver.add_host("mx.other.example", addresses);
    }
};

// With this time only the race can have led to the other address.
constexpr Duration kForEver{3'600'000};

TEST_F(AddressesTest, WhoSaysNothingIsNotWaitedFor) {
    const auto server = serve({}, "127.0.0.1");
    const net::test::Silent black_hole("::1", options.route.port);
    options.connect_timeout = kForEver;
    hosts({"127.0.0.1", "::1"});
    start();
    const auto item = tried(send({"a@other.example"}));
    EXPECT_TRUE(item.finished);
    const std::string event = journal.last("a@other.example");
    EXPECT_TRUE(event.contains("(mx.other.example[127.0.0.1]:")) << event;
    EXPECT_EQ(server->mails().size(), 1U);
}

TEST_F(AddressesTest, OneFamilyIsRacedToo) {
    const auto server = serve({}, "127.0.0.2");
    const net::test::Silent black_hole("127.0.0.3", options.route.port);
    options.connect_timeout = kForEver;
    hosts({"127.0.0.3", "127.0.0.2"});
    start();
    EXPECT_TRUE(tried(send({"a@other.example"})).finished);
}

TEST_F(AddressesTest, WhoRefusesTheSessionIsFollowedByTheNext) {
    const auto busy = serve({.greeting = "421 4.3.2 busy"}, "127.0.0.2");
    const auto server = serve({}, "127.0.0.3");
    hosts({"::1", "127.0.0.2", "127.0.0.3"});
    start();
    EXPECT_TRUE(tried(send({"a@other.example"})).finished);
    EXPECT_EQ(busy->connections(), 1);
    EXPECT_EQ(server->mails().size(), 1U);
    EXPECT_EQ(deliverer->counters().attempts_total, 3U) << "nobody is at ::1";
}

TEST_F(AddressesTest, NoMoreThanSoManyAreTried) {
    const auto last = serve({}, "127.0.0.5");
    options.addresses_max = 3;
    hosts({"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"});
    start();
    const auto item = tried(send({"a@other.example"}));
    EXPECT_FALSE(item.finished);
    EXPECT_TRUE(reply_of(item).contains("127.0.0.4"))
        << "the last that was tried: " << reply_of(item);
    EXPECT_EQ(deliverer->counters().attempts_total, 3U);
    EXPECT_EQ(last->connections(), 0);
}

SourcePool pool(const std::string& name, const std::string& sender, const std::string& address) {
    SourcePool made;
    made.name = name;
    made.senders = {sender};
    made.addresses.push_back(*parse_source_address(address));
    return made;
}

TEST_F(AddressesTest, LeavesFromTheAddressOfItsSource) {
    const auto server = serve({}, "127.0.0.1");
    hosts({"::1", "127.0.0.1"});
    options.sources = {pool("out", "*", "127.0.0.7 out.example.net")};
    start();
    EXPECT_TRUE(tried(send({"a@other.example"})).finished);
    ASSERT_EQ(server->mails().size(), 1U);
    EXPECT_EQ(server->mails()[0].commands.at(0), "EHLO out.example.net");
    const std::string event = journal.last("a@other.example");
    EXPECT_TRUE(event.contains(" from 127.0.0.7, no TLS)")) << event;
    EXPECT_EQ(deliverer->counters().attempts_total, 1U) << "IPv6 isn't spoken";
}

TEST_F(AddressesTest, AKeptConnectionIsForItsSourceAlone) {
    const auto server = serve({}, "127.0.0.1");
    hosts({"127.0.0.1"});
    options.sources = {pool("one", "taro@example.net", "127.0.0.7"), pool("two", "*", "127.0.0.8")};
    start();
    EXPECT_TRUE(tried(send({"a@other.example"})).finished);
    EXPECT_TRUE(tried(send({"b@other.example"}, "hanako@example.net")).finished);
    EXPECT_TRUE(tried(send({"c@other.example"})).finished);
    EXPECT_EQ(server->connections(), 2);
    EXPECT_TRUE(journal.last("b@other.example").contains(" from 127.0.0.8"));
    EXPECT_TRUE(journal.last("c@other.example").contains(" from 127.0.0.7"));
}

TEST_F(AddressesTest, AHostOfAnotherFamilyWaits) {
    hosts({"::1"});
    options.sources = {pool("out", "*", "127.0.0.7")};
    start();
    const auto item = tried(send({"a@other.example"}));
    EXPECT_EQ(state_of(item), RecipientState::Pending);
    EXPECT_TRUE(reply_of(item).contains("has IPv6 addresses alone")) << reply_of(item);
    EXPECT_EQ(deliverer->counters().attempts_total, 0U);
}

}  // namespace
}  // namespace sekisho::delivery
