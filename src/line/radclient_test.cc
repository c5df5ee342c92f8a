// Packets of a foreign implementation: FreeRADIUS' radclient sends them over UDP on the loopback
// and checks what comes back. Skipped where it is not installed.
#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"
#include "line/memory_store.h"
#include "line/radius.h"

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace sekisho::line {
namespace {

// Answers on a port of its own until it is destroyed.
class Listener {
  public:
    explicit Listener(AccountingReceiver& receiver) : receiver_(receiver) {
        socket_ = ::socket(AF_INET, SOCK_DGRAM, 0);
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&here), sizeof(here)), 0);
        socklen_t size = sizeof(here);
        EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&here), &size), 0);
        port_ = ntohs(here.sin_port);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~Listener() {
        stopping_ = true;
        thread_.join();
        ::close(socket_);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    [[nodiscard]] int port() const { return port_; }

  private:
    void serve() {
        while (!stopping_) {
            pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
            if (::poll(&waiting, 1, 50) <= 0) {
                continue;
            }
            std::array<char, 5000> buffer{};
            sockaddr_in peer{};
            socklen_t peer_size = sizeof(peer);
            const ssize_t got = ::recvfrom(
                socket_,
                buffer.data(),
                buffer.size(),
                0,
                reinterpret_cast<sockaddr*>(&peer),
                &peer_size
            );
            if (got < 0) {
                continue;
            }
            const auto answer = receiver_.handle(
                {buffer.data(), static_cast<std::size_t>(got)},
                IpAddress::v4(ntohl(peer.sin_addr.s_addr)),
                now()
            );
            if (answer) {
                ::sendto(
                    socket_,
                    answer->data(),
                    answer->size(),
                    0,
                    reinterpret_cast<const sockaddr*>(&peer),
                    peer_size
                );
            }
        }
    }

    AccountingReceiver& receiver_;
    int socket_ = -1;
    int port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

// radclient's exit status: 0 when every request got an answer that it could verify.
int radclient(int port, const std::string& secret, const std::string& attributes) {
    const auto file = std::filesystem::temp_directory_path() /
                      ("sekisho_radclient_" + std::to_string(::getpid()) + ".txt");
    std::ofstream{file} << attributes << '\n';
    const std::string command = "radclient -q -r 1 -t 2 -f " + file.string() +
                                " 127.0.0.1:" + std::to_string(port) + " acct " + secret +
                                " >/dev/null 2>&1";
    const int status = std::system(command.c_str());  // NOLINT(cert-env33-c,concurrency-mt-unsafe)
    std::filesystem::remove(file);
    return status;
}

TEST(Radclient, ASessionFromStartToStop) {
    if (std::system("command -v radclient >/dev/null 2>&1") != 0) {  // NOLINT
        GTEST_SKIP() << "radclient (freeradius-utils) is not installed";
    }
    MemoryLineStore store;
    AccountingReceiver receiver{
        {.clients = {{.from = *Prefix::parse("127.0.0.0/8"), .secret = "testing123"}}}, store
    };
    {
        const Listener listener{receiver};
        const std::string session =
            "Acct-Session-Id = \"4D2BB8AC-00000098\"\n"
            "NAS-IP-Address = 192.0.2.254\n"
            "User-Name = \"hanako@example.net\"\n"
            "Framed-IP-Address = 198.51.100.7\n"
            "Framed-IPv6-Prefix = 2001:db8:5:6::/64\n"
            "Delegated-IPv6-Prefix = 2001:db8:1:200::/56\n"
            "Framed-IPv6-Address = 2001:db8::9\n";
        EXPECT_EQ(
            radclient(listener.port(), "testing123", "Acct-Status-Type = Start\n" + session), 0
        );
        EXPECT_EQ(
            radclient(
                listener.port(),
                "testing123",
                "Acct-Status-Type = Interim-Update\nMessage-Authenticator = 0x00\n"
                "Acct-Session-Time = 1\nProxy-State = 0x010203\n" +
                    session
            ),
            0
        );
        EXPECT_NE(radclient(listener.port(), "wrong", "Acct-Status-Type = Stop\n" + session), 0);
        EXPECT_EQ(
            radclient(
                listener.port(),
                "testing123",
                "Acct-Status-Type = Start\nAcct-Session-Id = \"2\"\nNAS-IP-Address = 192.0.2.253\n"
                "User-Name = \"CORP\\\\taro\"\nFramed-IP-Address = 198.51.100.8"
            ),
            0
        );
        EXPECT_EQ(
            radclient(
                listener.port(),
                "testing123",
                "Acct-Status-Type = Accounting-Off\nNAS-IP-Address = 192.0.2.253"
            ),
            0
        );
    }
    EXPECT_EQ(receiver.counters().starts, 2U);
    EXPECT_EQ(receiver.counters().interims, 1U);
    EXPECT_EQ(receiver.counters().stops, 0U);
    EXPECT_EQ(receiver.counters().nas_restarts, 1U);
    EXPECT_GE(receiver.counters().bad_authenticator, 1U);
    EXPECT_EQ(receiver.counters().malformed, 0U);
    for (const char* text :
         {"198.51.100.7", "2001:db8:5:6::1", "2001:db8:1:2ff::1", "2001:db8::9"}) {
        const IpAddress address = *IpAddress::parse(text);
        const Time at = now() + Duration{1};
        const Answer answer = resolve(*store.holders(address, at), address, at);
        EXPECT_EQ(answer.line, "hanako") << text << ": " << answer.reason;
        EXPECT_EQ(answer.realm, "example.net");
    }
    const auto ended = store.sessions_of("taro", 1);
    ASSERT_EQ(ended->size(), 1U);
    EXPECT_EQ(ended->at(0).realm, "corp");
    EXPECT_TRUE(ended->at(0).end);
}

}  // namespace
}  // namespace sekisho::line
