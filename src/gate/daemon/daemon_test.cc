// The daemon with an engine, a line store and a journal made for the test.
#include "gate/daemon/daemon.h"

#include "gate/enforce/engine.h"
#include "gate/enforce/interfaces.h"
#include "lease/memory_store.h"
#include "line/memory_store.h"
#include "policy/stages.h"

#include <condition_variable>
#include <deque>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

namespace sekisho::gate {
namespace {

using testing::HasSubstr;

struct Hands {  // what the test and its engine share
    std::mutex mutex;
    std::deque<Flow> flows;
    std::vector<std::shared_ptr<const policy::Policy>> applied;
    std::vector<policy::Override> overrides;
    std::vector<OverrideCount> counts;
    std::vector<std::string> attached;
    Status refuse;  // what apply() says
    bool detached = false;
    bool left = false;
};

class FakeEngine final : public Engine {
  public:
    explicit FakeEngine(Hands& hands) : hands_(hands) {}
    using Engine::apply;
    Status apply(
        std::shared_ptr<const policy::Policy> policy, const std::vector<policy::Override>& overrides
    ) override {
        const std::lock_guard lock(hands_.mutex);
        hands_.overrides = overrides;
        if (hands_.refuse) {
            hands_.applied.push_back(std::move(policy));
        }
        return hands_.refuse;
    }
    Status set_overrides(const std::vector<policy::Override>& overrides) override {
        const std::lock_guard lock(hands_.mutex);
        if (hands_.refuse) {
            hands_.overrides = overrides;
        }
        return hands_.refuse;
    }
    Result<std::vector<OverrideCount>> override_counts() override {
        const std::lock_guard lock(hands_.mutex);
        return hands_.counts;
    }
    std::vector<std::pair<std::string, Status>> attach(const std::vector<std::string>& names
    ) override {
        const std::lock_guard lock(hands_.mutex);
        hands_.attached.clear();
        std::vector<std::pair<std::string, Status>> out;
        for (const std::string& name : names) {
            if (name == "broken0") {
                out.emplace_back(name, fail(Errc::Conflict, "broken0 has another XDP program"));
            } else {
                hands_.attached.push_back(name);
                out.emplace_back(name, Status{});
            }
        }
        return out;
    }
    Status detach() override {
        const std::lock_guard lock(hands_.mutex);
        hands_.detached = true;
        return {};
    }
    void leave() override {
        const std::lock_guard lock(hands_.mutex);
        hands_.left = true;
    }
    Result<std::vector<RuleCounter>> counters() override {
        return std::vector<RuleCounter>{
            {"op25b", policy::Action::Refuse, policy::Stage::Enforce, {3, 180}, {1, 60}},
            {"", policy::Action::Pass, policy::Stage::Enforce, {9, 540}, {}},
        };
    }
    std::vector<Named> statistics() override { return {{"events_lost", 2}}; }
    Description describe() override {
        const std::lock_guard lock(hands_.mutex);
        Description out;
        out.engine = "fake";
        for (const std::string& name : hands_.attached) {
            out.attachments.push_back({name, "generic", "for the test"});
        }
        out.downgrades = {{"tell", policy::Action::Answer, policy::Action::Refuse, "can't"}};
        return out;
    }
    void poll(Duration /*wait*/, const std::function<void(const Flow&)>& flow) override {
        std::deque<Flow> taken;
        {
            const std::lock_guard lock(hands_.mutex);
            taken.swap(hands_.flows);
        }
        for (const Flow& one : taken) {
            flow(one);
        }
        std::this_thread::sleep_for(Duration{1});
    }

  private:
    Hands& hands_;
};

class FakeJournal final : public event::Journal {
  public:
    void append(event::Event event) override {
        const std::lock_guard lock(mutex_);
        rows_.push_back(std::move(event));
        changed_.notify_all();
    }
    Status flush() override { return {}; }
    Result<std::vector<event::Event>> find(const event::Query&) override { return rows_; }
    Result<std::vector<std::pair<event::Kind, std::int64_t>>> totals(Time) override {
        return std::vector<std::pair<event::Kind, std::int64_t>>{};
    }
    std::vector<event::Event> wait(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return rows_.size() >= count; });
        return rows_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<event::Event> rows_;
};

config::Config make_config() {
    config::Config config;
    config.gate.interfaces = {"sub0", "broken0"};
    policy::ClassSource subscribers{"subscribers", "", {*Prefix::parse("198.51.100.0/24")}, ""};
    config.policy.classes = {subscribers};
    config.policy.rules = {
        {"op25b", "subscribers", "outside", policy::Action::Refuse, policy::Stage::Enforce, "", ""}
    };
    return config;
}

Status reload(Daemon& daemon, const config::Config& config) {
    auto policy = policy::Policy::compile(config.policy);
    return policy ? daemon.reload(config, std::move(*policy)) : fail(policy.error());
}

Flow flow_of(const char* client) {
    Flow flow;
    flow.at = now();
    flow.since = flow.at;
    flow.client = *IpAddress::parse(client);
    flow.server = *IpAddress::parse("203.0.113.9");
    flow.client_port = 4000;
    flow.rule = "op25b";
    flow.blocked = true;
    return flow;
}

class DaemonTest : public testing::Test {
  protected:
    std::unique_ptr<Daemon> start(const config::Config& config) {
        auto policy = policy::Policy::compile(config.policy);
        auto daemon = Daemon::start(
            config, {*policy, lines_, journal_, leases_, std::make_unique<FakeEngine>(hands_)}
        );
        EXPECT_TRUE(daemon) << (daemon ? "" : daemon.error().message);
        return daemon ? std::move(*daemon) : nullptr;
    }
    void send(const Flow& flow) {
        const std::lock_guard lock(hands_.mutex);
        hands_.flows.push_back(flow);
    }

    Hands hands_;
    line::MemoryLineStore lines_;
    FakeJournal journal_;
    lease::MemoryLeaseStore leases_;
};

TEST_F(DaemonTest, ABlockedFlowBecomesARowOfItsLineWithoutTheDestination) {
    (void
    )lines_.put({"s1", "nas", "line-7", "", {*Prefix::parse("198.51.100.1/32")}, Time{}, {}, {}});
    const auto daemon = start(make_config());
    send(flow_of("198.51.100.1"));
    const auto rows = journal_.wait(1);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].kind, event::Kind::GateBlocked);
    EXPECT_EQ(rows[0].line, "line-7");
    EXPECT_EQ(rows[0].address, "198.51.100.1");
    EXPECT_EQ(rows[0].rule, "op25b");
    EXPECT_EQ(rows[0].detail, "to port 25 of class outside");
}

TEST_F(DaemonTest, AnAddressOfTwoLinesOrNoneIsNobodys) {
    for (const char* line : {"line-1", "line-2"}) {
        (void
        )lines_.put({line, "nas", line, "", {*Prefix::parse("198.51.100.1/32")}, Time{}, {}, {}});
    }
    const auto daemon = start(make_config());
    send(flow_of("198.51.100.1"));
    Flow watched = flow_of("198.51.100.2");
    watched.blocked = false;
    watched.direction = policy::Direction::FromPort25;
    send(watched);
    const auto rows = journal_.wait(2);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].line, "");
    EXPECT_EQ(rows[1].line, "");
    EXPECT_EQ(rows[1].kind, event::Kind::GateWouldBlock);
    EXPECT_EQ(rows[1].detail, "answer from port 25 of class outside");
}

TEST_F(DaemonTest, AFlowOfASharedAddressIsSomebodysByItsPort) {
    for (const auto& [line, ports] : {std::pair{"line-1", "1024-4999"}, {"line-2", "5000-9999"}}) {
        line::Session one{
            line, "nas", line, "", {*Prefix::parse("198.51.100.1/32")}, Time{}, {}, {}
        };
        one.ports = *line::PortSet::parse(ports);
        (void)lines_.put(one);
    }
    const auto daemon = start(make_config());
    const auto sent = [&](std::uint16_t port, std::uint64_t count) {
        Flow flow = flow_of("198.51.100.1");
        flow.client_port = port;
        flow.count = count;
        flow.rule = "r" + std::to_string(port) + "x" + std::to_string(count);
        send(flow);
    };
    sent(4999, 1);
    sent(5000, 1);
    sent(5000, 2);   // the other may have had another port
    sent(10000, 1);  // nobody's
    sent(0, 1);      // an engine that doesn't know it
    const auto rows = journal_.wait(5);
    ASSERT_EQ(rows.size(), 5U);
    EXPECT_EQ(rows[0].line, "line-1");
    EXPECT_EQ(rows[1].line, "line-2");
    for (int i = 2; i < 5; ++i) {
        EXPECT_EQ(rows[static_cast<std::size_t>(i)].line, "") << i;
    }
}

TEST_F(DaemonTest, TheLinesInAShareArePlacedOnTheEngine) {
    config::Config config = make_config();
    config.policy.rules[0].scope.share = 10;
    std::string inside;
    for (int i = 0; inside.empty(); ++i) {
        const std::string line = "line-" + std::to_string(i);
        inside = policy::share_of(line) < 10 ? line : "";
    }
    (void)lines_.put({"s1", "nas", inside, "", {*Prefix::parse("198.51.100.7/32")}, Time{}, {}, {}}
    );
    const auto daemon = start(config);
    const auto placed = [this] {
        const std::lock_guard lock(hands_.mutex);
        return hands_.overrides.size();
    };
    const auto class_of = [&](const char* address) {
        const auto policy = daemon->policy();
        return policy->classes()[policy->classify(*IpAddress::parse(address))].name;
    };
    EXPECT_EQ(placed(), 1U);
    EXPECT_EQ(class_of("198.51.100.7"), "subscribers.first10");
    EXPECT_EQ(class_of("198.51.100.8"), "subscribers");
    const auto status = nlohmann::json::parse(daemon->status_json());
    EXPECT_EQ(status["shares"]["prefixes"], 1);
    config.policy.rules[0].scope.share = 100;
    ASSERT_TRUE(reload(*daemon, config));
    EXPECT_EQ(placed(), 0U) << "the rule is about everybody now";
    EXPECT_EQ(class_of("198.51.100.7"), "subscribers");
}

TEST_F(DaemonTest, ALeaseIsPlacedOnTheEngineAndShownByThePolicy) {
    const auto daemon = start(make_config());
    lease::Lease lease;
    lease.prefix = *Prefix::parse("198.51.100.7/32");
    lease.class_name = "outside";
    lease.expires = now() + Duration{60'000};
    ASSERT_TRUE(leases_.add(lease));
    ASSERT_TRUE(daemon->refresh_leases());
    {
        const std::lock_guard lock(hands_.mutex);
        ASSERT_EQ(hands_.overrides.size(), 1U);
        EXPECT_EQ(hands_.overrides[0].prefix, lease.prefix);
    }
    EXPECT_EQ(daemon->policy()->classify(*IpAddress::parse("198.51.100.7")), 0);
    EXPECT_EQ(daemon->without_leases()->classify(*IpAddress::parse("198.51.100.7")), 1);
    ASSERT_TRUE(reload(*daemon, make_config())) << "a new policy keeps the leases";
    {
        const std::lock_guard lock(hands_.mutex);
        EXPECT_EQ(hands_.overrides.size(), 1U);
    }
    ASSERT_TRUE(leases_.end(1, now(), "test", "over"));
    {
        const std::lock_guard lock(hands_.mutex);
        hands_.refuse = fail(Errc::Full, "the map is full");
    }
    EXPECT_FALSE(daemon->refresh_leases());
    EXPECT_EQ(daemon->policy()->classify(*IpAddress::parse("198.51.100.7")), 0)
        << "as packets meet it";
    {
        const std::lock_guard lock(hands_.mutex);
        hands_.refuse = {};
    }
    ASSERT_TRUE(daemon->refresh_leases()) << "what the engine refused is tried again";
    const std::lock_guard lock(hands_.mutex);
    EXPECT_TRUE(hands_.overrides.empty());
}

// What the gate counted while the address passed from one line to the next is nobody's.
TEST_F(DaemonTest, PacketsCountedAcrossAChangeOfTheLineAreNobodys) {
    const Time at = now();
    const auto prefix = *Prefix::parse("198.51.100.1/32");
    (void)lines_.put({"s1", "nas", "line-1", "", {prefix}, Time{}, at - Duration{500}, {}});
    (void)lines_.put({"s2", "nas", "line-2", "", {prefix}, at - Duration{500}, {}, {}});
    const auto daemon = start(make_config());
    Flow flow = flow_of("198.51.100.1");
    flow.at = at;
    flow.since = at - Duration{900};
    flow.count = 30;
    send(flow);
    flow.since = at - Duration{400};
    send(flow);
    const auto rows = journal_.wait(2);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].line, "");
    EXPECT_EQ(rows[0].count, 30);
    EXPECT_EQ(rows[1].line, "line-2");
}

TEST_F(DaemonTest, RowsAreBoundedAndWhatWaitsIsWrittenAtTheEnd) {
    config::Config config = make_config();
    config.gate.events_per_line_per_minute = 3;
    const auto daemon = start(config);
    for (int i = 0; i < 50; ++i) {
        send(flow_of("198.51.100.9"));
    }
    (void)journal_.wait(3);
    while (true) {
        const std::lock_guard lock(hands_.mutex);
        if (hands_.flows.empty()) {
            break;
        }
    }
    daemon->stop();
    const auto rows = journal_.wait(4);
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(rows[3].count, 47);
    EXPECT_TRUE(hands_.left);
    EXPECT_FALSE(hands_.detached) << "gate.pin decides about that";
}

TEST_F(DaemonTest, ModeObservePutsEveryRuleInStageObserve) {
    config::Config config = make_config();
    config.gate.mode = "observe";
    const auto daemon = start(config);
    EXPECT_EQ(daemon->policy()->rules()[0].stage, policy::Stage::Observe);
    config.gate.mode = "enforce";
    ASSERT_TRUE(reload(*daemon, config));
    EXPECT_EQ(hands_.applied.back()->rules()[0].stage, policy::Stage::Enforce);
    EXPECT_EQ(journal_.wait(1)[0].kind, event::Kind::PolicyChanged);
}

TEST_F(DaemonTest, ABadReloadLeavesTheOldPolicyInForce) {
    config::Config config = make_config();
    const auto daemon = start(config);
    const std::string digest = daemon->policy()->digest();
    config.policy.rules[0].to = "nowhere";
    const Status bad = reload(*daemon, config);
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error().message, HasSubstr("nowhere"));
    config = make_config();
    config.gate.mode = "observe";
    hands_.refuse = fail(Errc::Full, "no memory");
    EXPECT_FALSE(reload(*daemon, config));
    hands_.refuse = Status{};
    config.gate.engine = "nftables";
    EXPECT_FALSE(reload(*daemon, config));
    EXPECT_EQ(daemon->policy()->digest(), digest);
    EXPECT_EQ(hands_.applied.size(), 1U);
}

TEST_F(DaemonTest, TheStatusShowsWhatRunsAndWhatDoesNot) {
    const auto daemon = start(make_config());
    const auto status = nlohmann::json::parse(daemon->status_json());
    EXPECT_EQ(status["mode"], "enforce");
    EXPECT_EQ(status["policy"], daemon->policy()->digest());
    EXPECT_EQ(status["interfaces"][0]["name"], "broken0");
    EXPECT_EQ(status["interfaces"][0]["attached"], false);
    EXPECT_EQ(status["interfaces"][0]["error"], "broken0 has another XDP program");
    EXPECT_EQ(status["interfaces"][1]["mode"], "generic");
    EXPECT_EQ(status["rules"][0]["name"], "op25b");
    EXPECT_EQ(status["rules"][0]["to"]["packets"], 3);
    EXPECT_EQ(status["unnamed"]["to"]["bytes"], 540);
    EXPECT_EQ(status["statistics"]["events_lost"], 2);
    EXPECT_EQ(status["downgrades"][0]["used"], "refuse");
    EXPECT_EQ(status["classes"][1]["prefixes"], 1);
}

TEST_F(DaemonTest, WithoutInterfacesInTheFileEveryOneThatIsUpIsTaken) {
    config::Config config = make_config();
    config.gate.interfaces.clear();
    const auto daemon = start(config);
    std::vector<std::string> up;
    for (const Interface& one : list_interfaces()) {
        if (one.up && !one.loopback) {
            up.push_back(one.name);
        }
    }
    const std::lock_guard lock(hands_.mutex);
    EXPECT_EQ(hands_.attached, up);
}

TEST_F(DaemonTest, EngineNoneJudgesNothingAndAnswersStatus) {
    config::Config config = make_config();
    config.gate.engine = "none";
    auto policy = policy::Policy::compile(config.policy);
    const auto daemon = Daemon::start(config, {*policy, lines_, journal_, leases_, nullptr});
    ASSERT_TRUE(daemon);
    EXPECT_EQ(nlohmann::json::parse((*daemon)->status_json())["engine"], "none");
    config.gate.engine = "magic";
    const auto bad = Daemon::start(config, {*policy, lines_, journal_, leases_, nullptr});
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error().message, HasSubstr("magic"));
}

}  // namespace
}  // namespace sekisho::gate
