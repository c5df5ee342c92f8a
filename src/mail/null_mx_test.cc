// Domains that take no mail (RFC 7505), as clients learn of them.
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/routes/rule.h"
#include "event/event.h"
#include "mail/test_world.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

class Zones final : public net::Resolver {
  public:
    explicit Zones(net::Executor executor) : executor_(std::move(executor)) {}

    net::Task<Result<net::Answer<net::Mx>>> mx(std::string domain) override {
        ++asked;
        if (domain == "slow.example") {
            co_await net::sleep_for(executor_, std::chrono::milliseconds(500));
        }
        if (domain == "broken.example") {
            co_return fail(Errc::Unavailable, "SERVFAIL");
        }
        net::Answer<net::Mx> out;
        if (domain == "null.example" || domain == "xn--4gqx21c.example" ||
            domain == "mixed.example" || domain == "slow.example") {
            out.records.push_back({0, ""});
        }
        if (domain == "mixed.example") {
            out.records.push_back({10, "mx.mixed.example"});
        }
        co_return out;
    }
    net::Task<Result<net::Answer<IpAddress>>> addresses(std::string, bool, bool) override {
        co_return net::Answer<IpAddress>{};
    }
    net::Task<Result<net::Answer<std::string>>> txt(std::string) override {
        co_return net::Answer<std::string>{};
    }
    net::Task<Result<net::Answer<std::string>>> ptr(IpAddress) override {
        co_return net::Answer<std::string>{};
    }
    std::atomic<int> asked{0};

  private:
    net::Executor executor_;
};

class NullMx : public test::MailTest {
  protected:
    NullMx() : zones(loops->executor(0)) {
        resolver = &zones;
        config.mail.peer_check = "off";
        config.mail.from_unaligned = "allow";
    }
    // The answers to a RCPT each.
    std::vector<std::string> recipients(const std::vector<std::string>& domains) {
        auto client = ready("submissions");
        client->say("MAIL FROM:<taro@example.net>");
        std::vector<std::string> out;
        for (const std::string& domain : domains) {
            out.push_back(client->say("RCPT TO:<b@" + domain + ">").substr(0, 10));
        }
        return out;
    }
    // From outside, to one of ours.
    std::string from(const std::string& sender) {
        auto client = this->client("exchange");
        client->write("PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n");
        client->reply();
        client->say("EHLO far.example");
        client->say("MAIL FROM:<" + sender + ">");
        return client->say("RCPT TO:<taro@example.net>");
    }
    Zones zones;
};

TEST_F(NullMx, ARecipientThereIsRefusedAtOnce) {
    start();
    EXPECT_EQ(
        recipients(
            {"null.example", "NULL.example", "mixed.example", "fine.example", "broken.example"}
        ),
        (std::vector<std::string>{
            "556 5.1.10", "556 5.1.10", "250 2.1.5 ", "250 2.1.5 ", "250 2.1.5 "
        })
    );
    EXPECT_EQ(journal.of(event::Kind::Refused).at(0).rule, "null-mx");
}

TEST_F(NullMx, ASlowAnswerIsNotWaitedForTwice) {
    null_mx_wait = Duration{50};
    start();
    EXPECT_EQ(
        recipients({"slow.example", "null.example"}),
        (std::vector<std::string>{"250 2.1.5 ", "250 2.1.5 "})
    );
    EXPECT_EQ(zones.asked, 1);
    EXPECT_EQ(recipients({"null.example"}).front(), "556 5.1.10") << "another message";
}

TEST_F(NullMx, NobodyAsksWhereARouteLeadsOrTheOperatorSaysNo) {
    delivery::RouteRule route;
    route.name = "inside";
    route.domains = {"null.example"};
    route.via = {"10.0.0.1:25"};
    config.delivery.routes = {route};
    start();
    EXPECT_EQ(recipients({"null.example"}).front(), "250 2.1.5 ");
    config.delivery.routes.clear();
    config.mail.null_mx = false;
    server.reset();
    start();
    EXPECT_EQ(recipients({"null.example"}).front(), "250 2.1.5 ");
    EXPECT_EQ(zones.asked, 0);
}

TEST_F(NullMx, ASenderThereIsRefusedWhereSendersAreChecked) {
    config.mail.proxy_from = {Prefix::parse("127.0.0.0/8").value()};
    start();
    EXPECT_TRUE(from("a@null.example").starts_with("250 ")) << "only recorded";
    config.mail.spf = "enforce";
    server.reset();
    start();
    EXPECT_TRUE(from("a@null.example").starts_with("550 5.7.27 The sender's domain null.example"));
    EXPECT_TRUE(from("a@fine.example").starts_with("250 "));
    EXPECT_TRUE(from("").starts_with("250 ")) << "notifications have no domain";
}

}  // namespace
}  // namespace sekisho::mail
