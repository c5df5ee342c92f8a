#include "net/server.h"

#include "base/result.h"
#include "net/signals.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/test_support.h"
#include "net/workers.h"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

using test::loopback;

class ServerTest : public test::NetTest {};

TEST_F(ServerTest, PortInUseIsAnErrorThatNamesIt) {
    auto first = listen(*loops, loopback(), "first", [](auto) -> Task<void> { co_return; });
    ASSERT_TRUE(first) << first.error().message;
    auto second =
        listen(*loops, (*first)->local(), "submission", [](auto) -> Task<void> { co_return; });
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::Conflict);
    EXPECT_EQ(
        second.error().message,
        "submission: can't listen on " + (*first)->local().text() + ": Address already in use"
    );
}

TEST_F(ServerTest, AfterStopThePortIsFreeAgain) {
    auto first = listen(*loops, loopback(), "first", [](auto) -> Task<void> { co_return; });
    ASSERT_TRUE(first);
    const Endpoint at = (*first)->local();
    (*first)->stop();
    (*first)->stop();
    EXPECT_TRUE(test::eventually([&] {
        return listen(*loops, at, "again", [](auto) -> Task<void> { co_return; }).has_value();
    }));
}

TEST_F(ServerTest, EveryLoopTakesConnections) {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    auto listener = listen(*loops, loopback(), "spread", [&](auto) -> Task<void> {
        const std::scoped_lock lock(mutex);
        threads.insert(std::this_thread::get_id());
        co_return;
    });
    ASSERT_TRUE(listener);
    // The kernel spreads by a hash of the ports: 64 that all hash to one of two is out of the
    // question.
    for (int i = 0; i < 64; ++i) {
        ASSERT_TRUE(test::answers((*listener)->local().port));
    }
    EXPECT_TRUE(test::eventually([&] {
        const std::scoped_lock lock(mutex);
        return threads.size() == loops->size();
    }));
    loops->stop();  // connections that are still being taken use what stands above
}

TEST_F(ServerTest, OutOfDescriptorsWaitsAndRecovers) {
    std::atomic<int> taken{0};
    auto listener = listen(*loops, loopback(), "short", [&](auto) -> Task<void> {
        ++taken;
        co_return;
    });
    ASSERT_TRUE(listener);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::vector<int> hoard;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit tight = before;
    tight.rlim_cur = 64;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC); fd >= 0;
         fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
        hoard.push_back(fd);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons((*listener)->local().port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_EQ(taken, 0);
    for (const int fd : hoard) {
        ::close(fd);
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(test::eventually([&] { return taken == 1; }));
    ::close(client);
    loops->stop();  // as above
}

TEST_F(ServerTest, AnExceptionEndsOnlyItsOwnTask) {
    std::atomic<int> calls{0};
    auto listener = listen(*loops, loopback(), "throwing", [&](auto) -> Task<void> {
        ++calls;
        throw std::runtime_error("a bug");
        co_return;
    });
    ASSERT_TRUE(listener);
    for (int i = 1; i <= 3; ++i) {
        ASSERT_TRUE(test::answers((*listener)->local().port));
        EXPECT_TRUE(test::eventually([&] { return calls == i; }));
    }
}

Task<std::pair<bool, std::string>> work_and_return(Workers& workers) {
    const auto loop = std::this_thread::get_id();
    std::function<std::thread::id()> work = [] { return std::this_thread::get_id(); };
    const auto worker = co_await run_on<std::thread::id>(workers, std::move(work));
    bool same_loop = worker != loop && std::this_thread::get_id() == loop;
    std::function<void()> bad = [] { throw std::runtime_error("disk"); };
    std::string caught;
    try {
        co_await run_on<void>(workers, std::move(bad));
    } catch (const std::runtime_error& error) {
        caught = error.what();
    }
    same_loop = same_loop && std::this_thread::get_id() == loop;
    co_return std::pair(same_loop, caught);
}

TEST_F(ServerTest, WorkersRunElsewhereAndTheCallerGoesOnAtHome) {
    const auto [same_loop, caught] = wait(work_and_return(*workers));
    EXPECT_TRUE(same_loop);
    EXPECT_EQ(caught, "disk");
}

TEST_F(ServerTest, PostedWorkIsDoneBeforeTheWorkersGo) {
    std::atomic<int> done{0};
    {
        const auto own = Workers::make(1);
        for (int i = 0; i < 100; ++i) {
            own->post([&] { ++done; });
        }
        own->post([] { throw std::runtime_error("a bug"); });
        own->post([&] { ++done; });
    }
    EXPECT_EQ(done, 101);
}

TEST_F(ServerTest, WorkUnderWayWhenTheLoopsStop) {
    std::promise<void> begun;
    std::promise<void> go;
    std::function<int()> work = [&begun, gate = go.get_future().share()] {
        begun.set_value();
        gate.wait();
        return 1;
    };
    auto waiting = [](Workers& pool, std::function<int()> slow) -> Task<void> {
        co_await run_on<int>(pool, std::move(slow));
        ADD_FAILURE() << "resumed on a loop that was stopped";
    };
    spawn(loops->executor(0), waiting(*workers, std::move(work)), "test");
    begun.get_future().wait();
    loops->stop();
    go.set_value();
    workers.reset();  // the work uses what stands above
}

TEST_F(ServerTest, SignalsAreToldAgainAndAgain) {
    std::atomic<int> hangups{0};
    std::atomic<int> users{0};
    auto watch = on_signals(loops->executor(0), {SIGHUP, SIGUSR1}, [&](int signal) {
        (signal == SIGHUP ? hangups : users)++;
    });
    for (int i = 1; i <= 3; ++i) {
        ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
        EXPECT_TRUE(test::eventually([&] { return hangups == i; }));
    }
    ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
    EXPECT_TRUE(test::eventually([&] { return users == 1; }));
    watch.reset();
    struct sigaction now{};
    ASSERT_EQ(::sigaction(SIGHUP, nullptr, &now), 0);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace sekisho::net
