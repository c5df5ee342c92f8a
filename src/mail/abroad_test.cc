// Of who wants nothing sent from abroad: at MAIL, at the login, from the country, by a relay.
#include "base/bytes.h"
#include "base/time.h"
#include "event/event.h"
#include "mail/server.h"
#include "mail/test_world.h"

#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::mail {
namespace {

using Abroad = test::MailTest;

TEST_F(Abroad, SendsNothingFromAbroadWhenTheOwnerChoseSo) {
    start();
    auto client = ready("submissions");  // signed in before it was chosen
    ASSERT_TRUE(accounts.set_stays_home("taro@example.net", true));
    EXPECT_EQ(
        client->say("MAIL FROM:<taro@example.net>"),
        "550 5.7.1 The owner of this account has chosen that nothing is sent from abroad: "
        "https://guide.example.net/my"
    );
    const auto refused = journal.of(event::Kind::Refused);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].rule, "abroad");
    ASSERT_TRUE(accounts.set_stays_home("taro@example.net", false));
    EXPECT_TRUE(client->say("MAIL FROM:<taro@example.net>").starts_with("250 "));
}

// Who guesses the password from abroad must not learn that it is right.
TEST_F(Abroad, WhoStaysHomeIsAnsweredAbroadAsAGuesserIs) {
    ASSERT_TRUE(accounts.set_stays_home("taro@example.net", true));
    start();
    auto client = this->client("submissions");
    client->reply();
    client->say("EHLO pc");
    const std::string wrong = client->say(plain("taro@example.net", "wrong horse"));
    EXPECT_TRUE(wrong.starts_with("535 5.7.8 ")) << wrong;
    EXPECT_EQ(client->say(plain("taro@example.net", "correct horse")), wrong);
    EXPECT_EQ(server->limiter().explain("taro@example.net", now()).at(0).used, 2);
    const auto refused = journal.of(event::Kind::LoginRefused);
    ASSERT_EQ(refused.size(), 2U);
    EXPECT_TRUE(refused[1].detail.contains("from abroad, which its owner doesn't want"))
        << refused[1].detail;
    EXPECT_TRUE(journal.of(event::Kind::LoginAccepted).empty());
}

TEST_F(Abroad, ARelayIsNotAbroad) {
    const std::string relays = ::testing::TempDir() + "sekisho-relays-" + random_token(40);
    std::ofstream(relays) << "# a private relay\n127.0.0.0/8\n";
    config.limits.relay_networks = {relays};
    ASSERT_TRUE(accounts.set_stays_home("taro@example.net", true));
    start();
    EXPECT_TRUE(ready("submissions")->say("MAIL FROM:<taro@example.net>").starts_with("250 "));
}

TEST_F(Abroad, WhoStaysHomeSendsFromTheCountry) {
    config.limits.domestic_classes = {"outside"};
    ASSERT_TRUE(accounts.set_stays_home("taro@example.net", true));
    start();
    EXPECT_TRUE(ready("submissions")->say("MAIL FROM:<taro@example.net>").starts_with("250 "));
}

}  // namespace
}  // namespace sekisho::mail
