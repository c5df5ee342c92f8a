// Requests for an exemption from the subscriber's own page.
#include "base/ip.h"
#include "desk/my_testing.h"
#include "exemption/exemption.h"
#include "net/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>

namespace sekisho::desk {
namespace {

using test::fields;
using test::header;
using test::kTaro;
using test::MyPageTest;
using testing::HasSubstr;
using testing::Not;

class ExemptionPage : public MyPageTest {
  protected:
    void SetUp() override {
        MyPageTest::SetUp();
        config_.gate.exempt_requests = "operator";
        config_.gate.exempt_class = "static";
        make();
        ASSERT_EQ(sign_in().status, 303);
    }
    net::HttpResponse ask(const std::string& domain, const std::string& reason) {
        return act(
            "/exemption", "/exemption", {{"do", "ask"}, {"domain", domain}, {"reason", reason}}
        );
    }
};

TEST_F(ExemptionPage, TakesARequestFromTheLineItself) {
    EXPECT_THAT(get("/en/my").body, HasSubstr("/en/my/exemption"));
    EXPECT_THAT(get("/en/my/exemption").body, HasSubstr("198.51.100.7"));
    EXPECT_EQ(ask("no domain", "x").status, 422);
    EXPECT_EQ(ask("taro.example", "").status, 422);
    EXPECT_THAT(ask("<b>.example", "<b>\"").body, Not(HasSubstr("<b>")));
    EXPECT_EQ(
        header(ask("Taro.Example", "mail of <b>my club"), "Location"), "/en/my/exemption?told=asked"
    );
    const auto all = requests_.list(std::nullopt, 10).value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].login, kTaro);
    EXPECT_EQ(all[0].line, "L-0042");
    EXPECT_EQ(all[0].address.text(), "198.51.100.7");
    EXPECT_EQ(all[0].domain, "taro.example");
    EXPECT_EQ(all[0].state, exemption::State::Asked);
    EXPECT_EQ(ask("taro.example", "once more").status, 422) << "one at a time";
    const auto page = get("/en/my/exemption");
    EXPECT_THAT(page.body, HasSubstr("mail of &lt;b&gt;my club"));
    EXPECT_THAT(page.body, Not(HasSubstr("id=\"domain\"")));
    accounts_.accounts.front().line = "L-0041";  // which had the address before
    EXPECT_EQ(ask("taro.example", "from elsewhere").status, 422);
}

TEST_F(ExemptionPage, ShowsAndEndsOnlyOnesOwn) {
    exemption::Request other;
    other.login = "hanako@tokai.example";
    other.line = "L-0050";
    other.address = IpAddress::parse("198.51.100.9").value();
    other.domain = "hanako.example";
    other.reason = "secret";
    const std::string id = std::to_string(requests_.add(other).value());
    EXPECT_THAT(get("/en/my/exemption").body, Not(HasSubstr("hanako")));
    static_cast<void>(act("/exemption", "/exemption", {{"do", "withdraw"}, {"id", id}}));
    EXPECT_EQ(requests_.list(exemption::State::Asked, 9)->size(), 1U);
    ASSERT_EQ(ask("taro.example", "a server").status, 303);
    for (const char* wrong : {"", "x", "-1", "99999999999999999999"}) {
        static_cast<void>(act("/exemption", "/exemption", {{"do", "withdraw"}, {"id", wrong}}));
    }
    EXPECT_EQ(requests_.list(exemption::State::Asked, 9)->size(), 2U);
    const auto mine = requests_.of_login(kTaro, 1)->front();
    EXPECT_EQ(
        header(
            act("/exemption", "/exemption", {{"do", "withdraw"}, {"id", std::to_string(mine.id)}}),
            "Location"
        ),
        "/en/my/exemption?told=withdrawn"
    );
    EXPECT_EQ(requests_.find(mine.id)->state, exemption::State::Withdrawn);
}

TEST_F(ExemptionPage, IsNotThereWhereItIsOff) {
    config_.gate.exempt_requests = "off";
    make();
    EXPECT_THAT(get("/en/my").body, Not(HasSubstr("/en/my/exemption")));
    EXPECT_EQ(get("/en/my/exemption").status, 303);
    auto form = fields(get("/en/my").body);
    form["do"] = "ask";
    form["domain"] = "taro.example";
    form["reason"] = "x";
    EXPECT_EQ(header(post("/en/my/exemption", form), "Location"), "/en/my");
    EXPECT_TRUE(requests_.list(std::nullopt, 9)->empty());
}

}  // namespace
}  // namespace sekisho::desk
