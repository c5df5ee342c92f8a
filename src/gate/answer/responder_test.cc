// Over loopback: what a connection that the engine hands over meets.
#include "gate/answer/responder.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>

namespace sekisho::gate {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Client {
  public:
    explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval wait{10, 0};
        setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        EXPECT_EQ(connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    }
    void say(const std::string& text) const {
        EXPECT_EQ(send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
    }
    // Up to the end of a line; less at the connection's end.
    std::string line() {
        std::string out;
        char c = 0;
        while (recv(fd_.get(), &c, 1, 0) == 1) {
            out += c;
            if (c == '\n') {
                break;
            }
        }
        return out;
    }

  private:
    UniqueFd fd_;
};

class ResponderTest : public testing::Test {
  protected:
    void start(const ResponderLimits& limits) {
        auto started = Responder::start(limits, [this](const Endpoint& client, const Endpoint& to) {
            ++asked_;
            return smtp::reply(554, "5.7.1", client.address.text() + " to " + to.address.text());
        });
        if (!started && started.error().code == Errc::Denied) {
            GTEST_SKIP() << started.error().message;
        }
        ASSERT_TRUE(started) << started.error().message;
        responder_ = std::move(*started);
    }
    std::atomic<int> asked_ = 0;
    std::unique_ptr<Responder> responder_;
};

TEST_F(ResponderTest, TellsWhyTakesNothingAndEndsWithQuit) {
    start({});
    Client client(responder_->port_v4());
    EXPECT_EQ(client.line(), "554 5.7.1 127.0.0.1 to 127.0.0.1\r\n");
    client.say("MAIL FROM:<a@example.org>\r\nQUIT\r\n");
    EXPECT_THAT(client.line(), StartsWith("503 5.5.1 "));
    EXPECT_THAT(client.line(), StartsWith("221 2.0.0 "));
    EXPECT_EQ(client.line(), "");
    EXPECT_EQ(responder_->figures().answered, 1U);
}

TEST_F(ResponderTest, OneClientHoldsOnlySoManyConnections) {
    start({.connections_max = 10, .per_client_max = 2, .timeout = Duration{20'000}});
    Client first(responder_->port_v4());
    Client second(responder_->port_v4());
    EXPECT_THAT(first.line(), StartsWith("554 "));
    EXPECT_THAT(second.line(), StartsWith("554 "));
    Client third(responder_->port_v4());
    EXPECT_EQ(third.line(), "") << "closed without a word";
    EXPECT_EQ(responder_->figures().crowded, 1U);
    EXPECT_EQ(asked_, 2) << "nobody was asked about the third";
}

TEST_F(ResponderTest, ASilentConnectionIsEndedByItsTime) {
    start({.connections_max = 10, .per_client_max = 2, .timeout = Duration{200}});
    Client client(responder_->port_v4());
    EXPECT_THAT(client.line(), StartsWith("554 "));
    EXPECT_EQ(client.line(), "");
}

TEST_F(ResponderTest, EndsWithConnectionsOpen) {
    start({});
    Client client(responder_->port_v4());
    EXPECT_THAT(client.line(), StartsWith("554 "));
    responder_.reset();
    EXPECT_EQ(client.line(), "");
}

}  // namespace
}  // namespace sekisho::gate
