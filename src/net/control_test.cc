#include "net/control.h"

#include "base/result.h"
#include "base/time.h"
#include "net/test_support.h"

#include <array>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace sekisho::net {
namespace {

constexpr Duration kLong{20'000};

class ControlTest : public test::NetTest {
  protected:
    Result<std::unique_ptr<ControlServer>> serve(ControlHandler handler) {
        return serve_control(*loops, *workers, path, std::move(handler));
    }
    test::Folder folder;
    std::string path = folder / "mail.sock";
};

std::string shout(const std::string& request) {
    if (request == "throw") {
        throw std::runtime_error("a bug");
    }
    return "<" + request + ">";
}

TEST_F(ControlTest, OneLineInOneLineOut) {
    const auto server = serve(shout);
    ASSERT_TRUE(server) << server.error().message;
    EXPECT_EQ(*call_control(path, R"({"do":"status"})", kLong), R"(<{"do":"status"}>)");
    const std::string big(900'000, 'x');
    EXPECT_EQ(call_control(path, big, kLong)->size(), big.size() + 2);
    EXPECT_EQ(*call_control(path, "", kLong), "<>");
    struct stat made{};
    ASSERT_EQ(::stat(path.c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0777U, 0660U);
}

TEST_F(ControlTest, ManyRequestsOnOneConnection) {
    const auto server = serve(shout);
    ASSERT_TRUE(server);
    const test::Ran ran =
        test::run("printf 'one\\ntwo\\n\\nthree\\n' | timeout 20 nc -N -U " + path);
    if (ran.status == 127) {
        GTEST_SKIP() << "no nc";
    }
    EXPECT_EQ(ran.output, "<one>\n<two>\n<>\n<three>\n");
}

TEST_F(ControlTest, AReplyStaysOneLine) {
    const auto server = serve([](const std::string&) { return std::string("a\nb"); });
    ASSERT_TRUE(server);
    EXPECT_EQ(*call_control(path, "x", kLong), "a b");
}

TEST_F(ControlTest, ErrorsOfTheClient) {
    const auto absent = call_control(path, "x", kLong);
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().code, Errc::Unavailable);
    EXPECT_TRUE(absent.error().message.starts_with(path));
    EXPECT_EQ(call_control(path, "a\nb", kLong).error().code, Errc::Invalid);
    EXPECT_EQ(call_control(std::string(200, 'x'), "a", kLong).error().code, Errc::Invalid);
    const auto server = serve(shout);
    ASSERT_TRUE(server);
    EXPECT_EQ(call_control(path, "throw", kLong).error().code, Errc::Closed);
    EXPECT_EQ(*call_control(path, "goes on", kLong), "<goes on>");
}

TEST_F(ControlTest, ATimeOut) {
    std::promise<void> go;
    const auto server = serve([gate = go.get_future().share()](const std::string&) {
        gate.wait();
        return std::string();
    });
    ASSERT_TRUE(server);
    EXPECT_EQ(call_control(path, "x", Duration{30}).error().code, Errc::Timeout);
    go.set_value();
}

TEST_F(ControlTest, ALivingServerIsNotReplacedADeadOneIs) {
    {
        const auto server = serve(shout);
        ASSERT_TRUE(server);
        const auto second = serve(shout);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code, Errc::Conflict);
        EXPECT_EQ(*call_control(path, "x", kLong), "<x>");
    }
    EXPECT_NE(::access(path.c_str(), F_OK), 0) << "removed at the end";
    // What a killed process leaves: a socket's file that nobody listens on.
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
    const auto server = serve(shout);
    ASSERT_TRUE(server) << server.error().message;
    EXPECT_EQ(*call_control(path, "x", kLong), "<x>");
}

TEST_F(ControlTest, AnotherFileInTheWayIsLeftAlone) {
    folder.write("mail.sock", "precious");
    const auto server = serve(shout);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, Errc::Conflict);
    EXPECT_EQ(folder.read("mail.sock"), "precious");
}

}  // namespace
}  // namespace sekisho::net
