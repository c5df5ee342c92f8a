#include "cli/acme.h"

#include "base/file.h"
#include "base/time.h"
#include "config/config.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

using namespace std::chrono_literals;

config::Config configured() {
    config::Config c;
    c.state_dir = ::testing::TempDir() + "acme-test";
    c.acme.directory = "https://ca.example/dir";
    c.acme.mail = "noc@example.net";
    c.mail.hostname = "mail.example.net";
    c.provider.guide_url = "https://guide.example.net:8443/x";
    return c;
}

TEST(Acme, NamesWhatSubscribersReach) {
    config::Config c = configured();
    EXPECT_EQ(acme_names(c), (std::vector<std::string>{"mail.example.net", "guide.example.net"}));
    c.provider.guide_url = "http://192.0.2.1:8025";
    c.settings.outgoing_host = "smtp.example.net";
    EXPECT_EQ(acme_names(c), (std::vector<std::string>{"mail.example.net", "smtp.example.net"}));
    c.mail.mta_sts = "testing";
    c.mail.domains = {"example.net"};
    EXPECT_EQ(acme_names(c).back(), "mta-sts.example.net");
    c.acme.names = {"a.example.net"};
    EXPECT_EQ(acme_names(c), c.acme.names);
    const auto words = lego_words(c, false);
    EXPECT_EQ(words.back(), "run");
    EXPECT_EQ(words.at(words.size() - 2), "a.example.net");
    EXPECT_THAT(lego_words(c, true), ::testing::Contains("--reuse-key"));
}

TEST(Acme, AnswersChallengesAndNothingElse) {
    const config::Config c = configured();
    const std::string place = c.state_dir + "/acme/webroot/.well-known/acme-challenge";
    ASSERT_TRUE(make_folder(place, 0750));
    ASSERT_TRUE(write_file_atomic(place + "/tok_EN-1", "tok_EN-1.print", 0640));
    ASSERT_TRUE(write_file_atomic(c.state_dir + "/acme/webroot/secret", "s", 0640));
    EXPECT_EQ(
        **challenge_answer(c.state_dir, "/.well-known/acme-challenge/tok_EN-1"), "tok_EN-1.print"
    );
    EXPECT_FALSE(*challenge_answer(c.state_dir, "/.well-known/acme-challenge/other"));
    EXPECT_FALSE(*challenge_answer(c.state_dir, "/.well-known/acme-challenge/"));
    EXPECT_FALSE(*challenge_answer(c.state_dir, "/.well-known/acme-challenge/../../secret"));
    EXPECT_FALSE(
        *challenge_answer(c.state_dir, "/.well-known/acme-challenge/" + std::string(300, 'a'))
    );
    EXPECT_FALSE(challenge_answer(c.state_dir, "/other").has_value());
}

TEST(Acme, WaitsLongerAfterEachFailure) {
    const Time at = from_ms(1'800'000'000'000);
    EXPECT_EQ(next_try({at, 1, ""}), at + 1h);
    EXPECT_EQ(next_try({at, 3, ""}), at + 4h);
    EXPECT_EQ(next_try({at, 100, ""}), at + 12h);
}

}  // namespace
}  // namespace sekisho::cli
