#include "net/race.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/test_silent.h"
#include "net/test_support.h"

#include <cstddef>
#include <filesystem>
#include <gtest/gtest.h>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

std::string text(const std::vector<IpAddress>& addresses) {
    std::string out;
    for (const IpAddress& one : addresses) {
        out += (out.empty() ? "" : " ") + one.text();
    }
    return out;
}

TEST(Interleaved, FamiliesByTurns) {
    const auto of = [](const std::vector<std::string>& texts) {
        std::vector<IpAddress> addresses;
        for (const std::string& one : texts) {
            addresses.push_back(*IpAddress::parse(one));
        }
        return text(interleaved(addresses));
    };
    EXPECT_EQ(of({}), "");
    EXPECT_EQ(of({"::1", "::2", "::3", "192.0.2.1"}), "::1 192.0.2.1 ::2 ::3");
    EXPECT_EQ(of({"192.0.2.1", "192.0.2.2", "::1"}), "192.0.2.1 ::1 192.0.2.2");
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class RaceTest : public test::NetTest {
  protected:
    std::unique_ptr<Listener> serve(const std::string& address) {
        const Endpoint at{*IpAddress::parse(address), 0};
        auto listener =
            listen(*loops, at, "race", [](std::unique_ptr<Stream> stream) -> Task<void> {
                co_await stream->write_all("hello");
                co_return;
            });
        EXPECT_TRUE(listener);
        return std::move(*listener);
    }
    Raced race(const std::vector<Endpoint>& to, Duration delay = kAttemptDelay) {
        std::vector<Path> paths;
        for (const Endpoint& one : to) {
            paths.push_back({.to = one});
        }
        return wait(connect_race(loops->executor(0), std::move(paths), delay, Duration{20'000}));
    }
};

TEST_F(RaceTest, TheFirstThatAnswersWins) {
    const auto v6 = serve("::1");
    const auto v4 = serve("127.0.0.1");
    const Raced both = race({v6->local(), v4->local()});
    ASSERT_TRUE(both.stream);
    EXPECT_EQ(both.at, 0U);
    EXPECT_EQ(both.stream->peer(), v6->local());
}

TEST_F(RaceTest, WhoSaysNothingIsNotWaitedFor) {
    const test::Silent silent("127.0.0.1");
    const auto server = serve("127.0.0.1");
    const Raced raced = race({silent.at, server->local()});
    ASSERT_TRUE(raced.stream);
    EXPECT_EQ(raced.at, 1U);
    EXPECT_TRUE(raced.failed.empty()) << "the other one has not failed, it was slower";
}

TEST_F(RaceTest, WhoRefusesMakesRoomForTheNextAtOnce) {
    const auto server = serve("127.0.0.1");
    const Endpoint closed{*IpAddress::parse("127.0.0.1"), test::free_port()};
    // With this delay only the refusal can have let the next one begin.
    const Raced raced = race({closed, server->local()}, Duration{3'600'000});
    ASSERT_TRUE(raced.stream);
    EXPECT_EQ(raced.at, 1U);
    ASSERT_EQ(raced.failed.size(), 1U);
    EXPECT_EQ(raced.failed[0].at, 0U);
}

TEST_F(RaceTest, WhenAllFailEveryReasonIsTold) {
    const Endpoint one{*IpAddress::parse("127.0.0.1"), test::free_port()};
    const Endpoint two{*IpAddress::parse("::1"), one.port};
    const Raced raced = race({one, two});
    ASSERT_FALSE(raced.stream);
    ASSERT_EQ(raced.failed.size(), 2U);
    EXPECT_TRUE(raced.failed[0].error.message.contains(one.text()));
    EXPECT_TRUE(raced.failed[1].error.message.contains(two.text()));
}

TEST_F(RaceTest, EachPathHasItsOwnLocalAddress) {
    const auto server = serve("127.0.0.1");
    const Path from{.to = server->local(), .from = *IpAddress::parse("127.0.0.7")};
    const Path wrong{.to = server->local(), .from = *IpAddress::parse("192.0.2.1")};
    const std::vector<Path> paths{wrong, from};
    const Raced raced =
        wait(connect_race(loops->executor(0), paths, kAttemptDelay, Duration{20'000}));
    ASSERT_TRUE(raced.stream);
    EXPECT_EQ(raced.stream->local().address.text(), "127.0.0.7");
    ASSERT_EQ(raced.failed.size(), 1U) << "that address isn't on this machine";
    EXPECT_TRUE(raced.failed[0].error.message.contains("from 192.0.2.1"));
}

// What was begun and isn't needed is given up, and the loops may end in the middle of a race.
TEST_F(RaceTest, TheSlowerOnesAreGivenUp) {
    const test::Silent silent("127.0.0.1");
    const auto server = serve("127.0.0.1");
    const std::size_t before = open_descriptors();
    {
        const Raced raced = race({silent.at, server->local()});
        ASSERT_TRUE(raced.stream);
    }
    EXPECT_TRUE(test::eventually([&] { return open_descriptors() <= before; }));
    spawn(
        loops->executor(0),
        [](Executor executor, Endpoint to) -> Task<void> {
            std::vector<Path> paths(2);
            paths[0].to = to;
            paths[1].to = to;
            const Raced raced =
                co_await connect_race(executor, std::move(paths), kAttemptDelay, Duration{20'000});
            EXPECT_FALSE(raced.stream);
        }(loops->executor(0), silent.at),
        "a race that doesn't end"
    );
}

}  // namespace
}  // namespace sekisho::net
