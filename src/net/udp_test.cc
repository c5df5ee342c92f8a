#include "net/udp.h"

#include "base/ip.h"
#include "base/result.h"
#include "net/socket.h"
#include "net/test_support.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <utility>

namespace sekisho::net {
namespace {

using test::loopback;

// Asks and waits for the answer, on a socket connected to the server: the kernel drops an answer
// that comes from another address.
class Asker {
  public:
    explicit Asker(const Endpoint& server) {
        auto opened = open_socket(server.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM);
        EXPECT_TRUE(opened);
        fd_ = std::move(*opened);
        const SocketAddress to = SocketAddress::from(server);
        EXPECT_EQ(::connect(fd_.get(), to.data(), to.length), 0);
    }
    void send(std::string_view bytes) const {
        EXPECT_EQ(
            ::send(fd_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size())
        );
    }
    [[nodiscard]] std::optional<std::string> receive() const {
        std::array<char, 65536> buffer{};
        ssize_t got = -1;
        test::eventually([&] {
            got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            return got >= 0;
        });
        if (got < 0) {
            return std::nullopt;
        }
        return std::string(buffer.data(), static_cast<std::size_t>(got));
    }
    [[nodiscard]] Endpoint local() const { return SocketAddress::of_local(fd_.get()).endpoint(); }

  private:
    UniqueFd fd_;
};

class UdpTest : public test::NetTest {
  protected:
    std::unique_ptr<UdpServer> serve(
        const Endpoint& at, UdpHandler handler, UdpOptions options = {}
    ) {
        auto made = serve_udp(*loops, *workers, at, "accounting", std::move(handler), options);
        EXPECT_TRUE(made) << made.error().message;
        return std::move(*made);
    }
};

std::optional<std::string> answer(std::string_view bytes, const Endpoint& from) {
    if (bytes == "silence") {
        return std::nullopt;
    }
    if (bytes == "throw") {
        throw std::runtime_error("a bug");
    }
    return std::string(bytes) + " from " + from.text();
}

TEST_F(UdpTest, AnswersAndKeepsSilent) {
    const auto server = serve(loopback(), answer);
    const Asker asker(server->local());
    asker.send("silence");
    asker.send("throw");
    asker.send("");
    EXPECT_EQ(asker.receive(), " from " + asker.local().text());
    asker.send("start");
    EXPECT_EQ(asker.receive(), "start from " + asker.local().text());
}

TEST_F(UdpTest, AnswersFromTheAddressThatWasAsked) {
    const auto any = serve({IpAddress::v4(0), 0}, answer);
    const Asker asker({*IpAddress::parse("127.0.0.53"), any->local().port});
    asker.send("x");
    EXPECT_EQ(asker.receive(), "x from " + asker.local().text());
    const auto any6 = serve({*IpAddress::parse("::"), 0}, answer);
    const Asker asker6({*IpAddress::parse("::1"), any6->local().port});
    asker6.send("x");
    EXPECT_EQ(asker6.receive(), "x from " + asker6.local().text());
}

TEST_F(UdpTest, TooLargeAndTooManyAreDropped) {
    std::promise<void> go;
    auto gate = go.get_future().share();
    UdpOptions options;
    options.datagram_max = 100;
    options.waiting_max = 2;
    const auto server = serve(
        loopback(),
        [gate](std::string_view bytes, const Endpoint&) {
            gate.wait();
            return std::optional(std::string(bytes));
        },
        options
    );
    const Asker asker(server->local());
    asker.send(std::string(101, 'x'));
    EXPECT_TRUE(test::eventually([&] { return server->dropped() == 1; }));
    asker.send(std::string(100, 'a'));
    asker.send(std::string(100, 'a'));
    asker.send(std::string(100, 'b'));
    EXPECT_TRUE(test::eventually([&] { return server->dropped() == 2; }));
    go.set_value();
    EXPECT_EQ(asker.receive(), std::string(100, 'a'));
    EXPECT_EQ(asker.receive(), std::string(100, 'a'));
}

TEST_F(UdpTest, APortInUseIsAnError) {
    const auto server = serve(loopback(), answer);
    const auto second = serve_udp(*loops, *workers, server->local(), "accounting", answer);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::Conflict);
    EXPECT_NE(second.error().message.find(server->local().text()), std::string::npos);
}

TEST_F(UdpTest, AnAnswerMayComeLaterAndTheServerMaySpeakFirst) {
    std::promise<UdpReply> kept;
    auto waiting = kept.get_future();
    auto made = serve_udp_deferred(
        *loops,
        *workers,
        loopback(),
        "accounting",
        [&](std::string_view /*bytes*/, const Endpoint& /*from*/, UdpReply reply) {
            kept.set_value(std::move(reply));
        }
    );
    ASSERT_TRUE(made);
    const Asker asker{(*made)->local()};
    asker.send("question");
    const UdpReply reply = waiting.get();
    (*made)->send(asker.local(), "unasked");
    EXPECT_EQ(asker.receive(), "unasked");
    reply("late");
    EXPECT_EQ(asker.receive(), "late");
    made->reset();
    reply("after the end");  // and nothing happens
}

}  // namespace
}  // namespace sekisho::net
