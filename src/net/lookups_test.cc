#include "net/lookups.h"

#include "base/ip.h"
#include "base/result.h"
#include "net/idn.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/wait.h"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

using Clock = std::chrono::steady_clock;

// Answers names with themselves, in the order in which their waits end.
class SlowResolver final : public Resolver {
  public:
    explicit SlowResolver(Executor executor) : executor_(std::move(executor)) {}
    Task<Result<Answer<Mx>>> mx(std::string /*domain*/) override {
        throw std::runtime_error("a bug");
        co_return Answer<Mx>{};
    }
    Task<Result<Answer<IpAddress>>> addresses(std::string, bool, bool) override {
        co_return fail(Errc::Unavailable, "SERVFAIL");
    }
    Task<Result<Answer<std::string>>> txt(std::string name) override {
        if (name == "never") {
            co_await sleep_for(executor_, std::chrono::hours(1));
        }
        const std::chrono::milliseconds wait{name == "slow" ? 30 : 1};
        co_await sleep_for(executor_, wait);
        Answer<std::string> answer;
        answer.records.push_back(name);
        co_return answer;
    }
    Task<Result<Answer<std::string>>> ptr(IpAddress address) override {
        Answer<std::string> answer;
        answer.records.push_back(address.text());
        co_return answer;
    }

  private:
    Executor executor_;
};

class LookupsTest : public ::testing::Test {
  public:
    LookupsTest() : loops(Loops::make(1)), resolver(loops->executor(0)) { loops->run(); }
    ~LookupsTest() override { loops->stop(); }

    Lookups::Then<std::string> note() {
        return
            [this](Result<Answer<std::string>> answer) { seen.push_back(answer->records.front()); };
    }
    static Task<void> rounds(LookupsTest* self, Duration time) {
        Lookups lookups(&self->resolver, self->loops->executor(0), Clock::now() + time);
        lookups.txt("slow", self->note());
        lookups.txt("quick", self->note());
        lookups.ptr(IpAddress::v4(1), self->note());
        co_await lookups.wait();
        self->seen.emplace_back("second round");
        lookups.txt("never", self->note());
        lookups.txt("quick", self->note());
        co_await lookups.wait();
        self->seen.emplace_back("end");
    }

    std::unique_ptr<Loops> loops;
    SlowResolver resolver;
    std::vector<std::string> seen;
};

TEST_F(LookupsTest, RunAtOnceAndStopAtTheDeadline) {
    wait_for(loops->executor(0), rounds(this, Duration(2'000)));
    EXPECT_EQ(
        seen, (std::vector<std::string>{"0.0.0.1", "quick", "slow", "second round", "quick", "end"})
    );
}

TEST_F(LookupsTest, AfterTheDeadlineNothingIsWaitedFor) {
    wait_for(loops->executor(0), rounds(this, Duration(-1)));
    EXPECT_EQ(seen.back(), "end");
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "slow"), 0);
}

TEST_F(LookupsTest, ErrorsAreToldAndExceptionsEndTheirWait) {
    bool told = false;
    auto run = [](LookupsTest* self, bool* out) -> Task<void> {
        Lookups lookups(&self->resolver, self->loops->executor(0), Clock::time_point::max());
        Lookups::Then<IpAddress> failed = [out](Result<Answer<IpAddress>> answer) {
            *out = !answer && answer.error().code == Errc::Unavailable;
        };
        Lookups::Then<Mx> never = [out](Result<Answer<Mx>>) { *out = false; };
        lookups.addresses("a.example", true, true, std::move(failed));
        lookups.mx("a.example", std::move(never));
        co_await lookups.wait();
    };
    wait_for(loops->executor(0), run(this, &told));
    EXPECT_TRUE(told);
}

TEST(Idn, ALabels) {
    EXPECT_EQ(to_a_labels("example.net"), "example.net");
    EXPECT_EQ(to_a_labels("日本語.example"), "xn--wgv71a119e.example");
    EXPECT_FALSE(to_a_labels("\xff\xfe.example"));
}

}  // namespace
}  // namespace sekisho::net
