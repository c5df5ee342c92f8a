#include "net/stream.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/server.h"
#include "net/task.h"
#include "net/test_support.h"
#include "net/wait.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::net {
namespace {

using test::loopback;
constexpr Duration kLong{20'000};

// Reads until the end.
Task<std::string> read_all(Stream& stream) {
    std::string all;
    std::array<char, 65536> chunk{};
    while (true) {
        const auto got = co_await stream.read_some(chunk);
        if (!got) {
            EXPECT_EQ(got.error().code, Errc::Closed) << got.error().message;
            co_return all;
        }
        all.append(chunk.data(), *got);
    }
}

class StreamTest : public test::NetTest {
  protected:
    // A listener whose connections run `accepted`, and a connection to it.
    std::unique_ptr<Stream> connect_to(Accepted accepted) {
        auto made = listen(*loops, loopback(), "test", std::move(accepted));
        EXPECT_TRUE(made) << made.error().message;
        listener = std::move(*made);
        auto connected = wait(connect(loops->executor(0), listener->local(), std::nullopt, kLong));
        EXPECT_TRUE(connected) << connected.error().message;
        return std::move(*connected);
    }
    std::unique_ptr<Listener> listener;
};

Task<void> echo(std::unique_ptr<Stream> stream) {
    std::array<char, 4096> chunk{};
    while (true) {
        const auto got = co_await stream->read_some(chunk);
        if (!got) {
            break;
        }
        const std::string_view back(chunk.data(), *got);
        co_await stream->write_all(back);
    }
    co_await stream->shutdown();
}

Task<std::string> half_close(Stream& stream, std::string bytes) {
    const Status written = co_await stream.write_all(bytes);
    EXPECT_TRUE(written);
    co_await stream.shutdown();
    co_await stream.shutdown();
    std::string back = co_await read_all(stream);
    co_return back;
}

TEST_F(StreamTest, EchoesAndStaysReadableAfterItsOwnEnd) {
    auto stream = connect_to(echo);
    EXPECT_EQ(stream->peer(), listener->local());
    EXPECT_EQ(stream->local().address, loopback().address);
    EXPECT_NE(stream->local().port, 0);
    EXPECT_FALSE(stream->tls());
    EXPECT_EQ(wait(half_close(*stream, "EHLO there\r\n")), "EHLO there\r\n");
}

Task<std::size_t> count_slowly(Stream& stream, Executor executor) {
    std::size_t total = 0;
    std::array<char, 65536> chunk{};
    while (true) {
        const auto got = co_await stream.read_some(chunk);
        if (!got) {
            co_return total;
        }
        total += *got;
        if (total % 7 == 0) {
            co_await sleep_for(executor, Duration{1});
        }
    }
}

TEST_F(StreamTest, WritesMoreThanTheKernelHolds) {
    constexpr std::size_t size = 32UL * 1024 * 1024;
    auto stream = connect_to([](std::unique_ptr<Stream> server) -> Task<void> {
        const std::string bytes(size, 'x');
        const Status written = co_await server->write_all(bytes);
        EXPECT_TRUE(written);
        co_await server->shutdown();
    });
    EXPECT_EQ(wait(count_slowly(*stream, loops->executor(0))), size);
}

Task<Errc> read_with_deadline(Stream& stream, Duration timeout) {
    stream.expires_after(timeout);
    std::array<char, 10> chunk{};
    const auto got = co_await stream.read_some(chunk);
    co_return got ? Errc::Invalid : got.error().code;
}

Task<void> silent(std::unique_ptr<Stream> stream) {
    std::array<char, 10> chunk{};
    const auto got = co_await stream->read_some(chunk);
    EXPECT_FALSE(got);
}

TEST_F(StreamTest, DeadlineEndsAWaitAndCanBeSetAgain) {
    auto stream = connect_to(silent);
    // A later deadline first: the timer has to be moved forward for the second.
    stream->expires_after(kLong);
    EXPECT_EQ(wait(read_with_deadline(*stream, Duration{20})), Errc::Timeout);
    EXPECT_EQ(wait(read_with_deadline(*stream, Duration{20})), Errc::Timeout);
    EXPECT_EQ(wait(read_with_deadline(*stream, Duration{0})), Errc::Timeout);
}

Task<Errc> write_with_deadline(Stream& stream) {
    stream.expires_after(Duration{50});
    const std::string bytes(64UL * 1024 * 1024, 'x');
    const Status written = co_await stream.write_all(bytes);
    co_return written ? Errc::Invalid : written.error().code;
}

TEST_F(StreamTest, DeadlineEndsAWriteToAPeerThatDoesNotRead) {
    std::promise<void> over;
    auto until = over.get_future().share();
    auto stream = connect_to([until](std::unique_ptr<Stream> server) -> Task<void> {
        while (until.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
            co_await sleep_for(server->executor(), Duration{5});
        }
    });
    EXPECT_EQ(wait(write_with_deadline(*stream)), Errc::Timeout);
    over.set_value();
}

Task<void> close_soon(Stream* stream) {
    co_await sleep_for(stream->executor(), Duration{10});
    stream->close();
    stream->close();
}

Task<void> destroy_soon(std::unique_ptr<Stream> stream) {
    co_await sleep_for(stream->executor(), Duration{10});
}

Task<Errc> read_forever(Stream* stream) {
    auto buffer = std::make_unique<std::array<char, 10>>();
    const auto got = co_await stream->read_some(*buffer);
    co_return got ? Errc::Invalid : got.error().code;
}

TEST_F(StreamTest, CloseAndDestructionEndAWaitingRead) {
    auto stream = connect_to(silent);
    auto closing = std::async(std::launch::async, [&] { wait(close_soon(stream.get())); });
    EXPECT_EQ(wait(read_forever(stream.get())), Errc::Cancelled);
    closing.get();
    EXPECT_EQ(wait(read_forever(stream.get())), Errc::Cancelled);

    auto other = wait(connect(loops->executor(0), listener->local(), std::nullopt, kLong));
    ASSERT_TRUE(other);
    Stream* raw = other->get();
    auto ended = std::async(std::launch::async, [&] { return wait(read_forever(raw)); });
    wait(sleep_for(loops->executor(0), Duration{10}));
    wait(destroy_soon(std::move(*other)));
    EXPECT_EQ(ended.get(), Errc::Cancelled);
}

TEST_F(StreamTest, SeesWaitingInput) {
    auto stream = connect_to([](std::unique_ptr<Stream> server) -> Task<void> {
        const Status written = co_await server->write_all("220 early\r\n");
        EXPECT_TRUE(written);
        co_await server->linger(kLong);
    });
    EXPECT_TRUE(test::eventually([&] { return stream->input_waiting(); }));
    EXPECT_EQ(wait(half_close(*stream, "x")), "220 early\r\n");
    EXPECT_FALSE(stream->input_waiting());
}

TEST_F(StreamTest, LingeringSavesTheLastReplyFromUnreadInput) {
    auto stream = connect_to([](std::unique_ptr<Stream> server) -> Task<void> {
        // Nothing of the client's is read before the end.
        const Status written = co_await server->write_all("421 no\r\n");
        EXPECT_TRUE(written);
        co_await server->linger(kLong);
    });
    const std::string sent(300'000, 'x');
    EXPECT_EQ(wait(half_close(*stream, sent)), "421 no\r\n");
}

TEST_F(StreamTest, FailedConnectionsSayWhere) {
    const std::uint16_t port = test::free_port();
    const auto refused = wait(connect(loops->executor(0), loopback(port), std::nullopt, kLong));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Unavailable);
    EXPECT_EQ(
        refused.error().message, "connecting to " + loopback(port).text() + ": Connection refused"
    );
    const auto foreign = IpAddress::parse("192.0.2.77");
    const auto bad_source = wait(connect(loops->executor(0), loopback(port), *foreign, kLong));
    ASSERT_FALSE(bad_source);
    EXPECT_NE(bad_source.error().message.find("from 192.0.2.77"), std::string::npos);
    const auto absent = wait(connect_unix(loops->executor(0), "/nonexistent/lmtp", kLong));
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().code, Errc::NotFound);
}

TEST_F(StreamTest, ConnectsFromAChosenSourceAndOverIpv6) {
    const auto source = IpAddress::parse("127.0.0.9");
    auto stream = connect_to(echo);
    auto from = wait(connect(loops->executor(0), listener->local(), *source, kLong));
    ASSERT_TRUE(from) << from.error().message;
    EXPECT_EQ((*from)->local().address, *source);

    const Endpoint six{*IpAddress::parse("::1"), 0};
    auto listener6 = listen(*loops, six, "six", echo);
    ASSERT_TRUE(listener6) << listener6.error().message;
    auto stream6 = wait(connect(loops->executor(1), (*listener6)->local(), std::nullopt, kLong));
    ASSERT_TRUE(stream6) << stream6.error().message;
    EXPECT_EQ(wait_for(loops->executor(1), half_close(**stream6, "six")), "six");
}

}  // namespace
}  // namespace sekisho::net
