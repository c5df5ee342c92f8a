#include "base/ip.h"
#include "base/time.h"
#include "exemption/exemption.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using exemption::Request;
using exemption::State;

const Time kNow = from_ms(1'800'000'000'000);

Request request(const std::string& login, const std::string& address) {
    Request out;
    out.login = login;
    out.line = "L1";
    out.address = IpAddress::parse(address).value();
    out.domain = "taro.example";
    out.reason = "a server";
    out.created = out.changed = kNow;
    out.by = login;
    out.told = State::Asked;
    return out;
}

class Requests : public testing::Test {
  protected:
    const TestFolder folder_;
    std::unique_ptr<Store> store_ = *open_store(folder_.file());
    exemption::RequestStore& requests_ = store_->requests();
};

TEST_F(Requests, ComeBackAsTheyWere) {
    Request one = request("taro", "198.51.100.7");
    one.id = requests_.add(one).value();
    EXPECT_EQ(requests_.find(one.id).value(), one);
    one.state = State::Granted;
    one.changed = kNow + 1s;
    one.by = "the criteria";
    one.why = "every one is met";
    one.reverse_name = "mx.taro.example";
    one.findings = {{exemption::Check::Spf, exemption::Mark::Passed, "taro.example: pass"}};
    one.checked = kNow + 1s;
    one.lease = 7;
    EXPECT_TRUE(requests_.replace(one, State::Asked).value());
    EXPECT_FALSE(requests_.replace(one, State::Asked).value()) << "it isn't asked any more";
    EXPECT_EQ(open_store(folder_.file()).value()->requests().find(one.id).value(), one);
    EXPECT_EQ(requests_.find(99).error().code, Errc::NotFound);
    one.id = 99;
    EXPECT_EQ(requests_.replace(one, State::Asked).error().code, Errc::NotFound);
}

TEST_F(Requests, AreOneAtATimeAndAFewADay) {
    Request one = request("taro", "198.51.100.7");
    for (std::size_t i = 0; i < exemption::RequestStore::kOfLoginPerDay; ++i) {
        one.state = State::Asked;
        one.id = requests_.add(one).value();
        EXPECT_EQ(requests_.add(one).error().code, Errc::Conflict);
        EXPECT_EQ(requests_.add(request("hanako", "198.51.100.7")).error().code, Errc::Conflict);
        one.state = State::Refused;
        ASSERT_TRUE(requests_.replace(one, State::Asked).value());
    }
    EXPECT_EQ(requests_.add(one).error().code, Errc::Full);
    EXPECT_TRUE(requests_.add(request("hanako", "198.51.100.7")));
    one.created = kNow + 25h;
    one.address = IpAddress::parse("2001:db8::7").value();
    EXPECT_TRUE(requests_.add(one));
}

TEST_F(Requests, AreListed) {
    Request one = request("taro", "198.51.100.7");
    one.id = requests_.add(one).value();
    Request two = request("hanako", "198.51.100.8");
    two.id = requests_.add(two).value();
    EXPECT_EQ(requests_.list(std::nullopt, 9)->front().id, two.id) << "the newest first";
    EXPECT_EQ(requests_.list(std::nullopt, 1)->size(), 1U);
    EXPECT_EQ(requests_.of_login("taro", 9)->front().id, one.id);
    EXPECT_TRUE(requests_.untold(9)->empty());
    two.state = State::Refused;
    ASSERT_TRUE(requests_.replace(two, State::Asked).value());
    EXPECT_EQ(requests_.list(State::Refused, 9)->size(), 1U);
    EXPECT_EQ(requests_.list(State::Asked, 9)->size(), 1U);
    ASSERT_EQ(requests_.untold(9)->size(), 1U);
    EXPECT_EQ(requests_.untold(9)->front().id, two.id);
}

}  // namespace
}  // namespace sekisho::store
