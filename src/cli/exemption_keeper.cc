#include "cli/exemption_keeper.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/exemption_notice.h"
#include "config/config.h"
#include "desk/exemption.h"
#include "exemption/act.h"
#include "exemption/exemption.h"
#include "line/line.h"
#include "mail/exemption_checks.h"
#include "net/server.h"
#include "net/task.h"
#include "policy/policy.h"
#include "queue/spool.h"
#include "store/store.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

using exemption::Check;
using exemption::Decision;
using exemption::Finding;
using exemption::Mark;
using exemption::Request;
using exemption::State;

constexpr Duration kBetweenLooks = std::chrono::seconds(3);
constexpr Duration kAskedAgain = std::chrono::minutes(10);  // something wasn't known
constexpr Duration kGrantedAgain = std::chrono::hours(24);
constexpr Duration kRoundMax = std::chrono::seconds(60);
constexpr std::size_t kAtOnce = 20;
constexpr std::size_t kOpenMax = 10'000;
constexpr Duration kDay = std::chrono::hours(24);
constexpr int kDaysOfGrace = 7;  // the line may have been off just then
constexpr std::string_view kBy = "the criteria";

enum class Whose : std::uint8_t { Ours, Nobody, Another, Unknown };

Whose whose(line::LineStore& lines, const std::string& line, const IpAddress& address, Time at) {
    const auto holders = lines.holders(address, at);
    if (!holders) {
        return Whose::Unknown;
    }
    const line::Answer who = line::resolve(*holders, address, at);
    if (who.certainty == line::Certainty::Subscriber) {
        return who.line == line ? Whose::Ours : Whose::Another;
    }
    return who.certainty == line::Certainty::Unknown ? Whose::Nobody : Whose::Another;
}

bool newly_failed(const std::vector<Finding>& before, const std::vector<Finding>& found) {
    const auto failed = [](const std::vector<Finding>& all) {
        return std::ranges::any_of(all, [](const Finding& one) {
            return one.check == Check::Spf && one.mark == Mark::Failed;
        });
    };
    return failed(found) && !failed(before);
}

}  // namespace

bool takes_requests(const config::Config& config) {
    return config.gate.exempt_requests != "off" && !config.gate.exempt_class.empty();
}

Finding held(
    line::LineStore& lines,
    const std::string& line,
    const IpAddress& address,
    Duration time,
    Time now
) {
    const auto days = static_cast<int>(time / kDay);
    if (const Whose today = whose(lines, line, address, now); today != Whose::Ours) {
        return {
            Check::Held,
            today == Whose::Unknown ? Mark::Unknown : Mark::Failed,
            today == Whose::Unknown ? "the record of lines is away"
                                    : address.text() + " is not the line's now"
        };
    }
    bool long_enough = days == 0;
    for (int day = 1; day <= days + kDaysOfGrace && !long_enough; ++day) {
        const Whose then = whose(lines, line, address, now - kDay * day);
        if (then == Whose::Unknown) {
            return {Check::Held, Mark::Unknown, "the record of lines is away"};
        }
        if (then == Whose::Another && day <= days) {
            return {
                Check::Held,
                Mark::Failed,
                address.text() + " was somebody else's " + std::to_string(day) + " days ago"
            };
        }
        long_enough = then == Whose::Ours && day >= days;
    }
    return {
        Check::Held,
        long_enough ? Mark::Passed : Mark::Failed,
        address.text() +
            (long_enough ? " has been the line's for " : " hasn't been the line's for ") +
            std::to_string(days) + " days"
    };
}

// What is being looked up, and what came of it. The loop's thread writes, the keeper's reads.
struct ExemptionKeeper::Round {
    std::mutex mutex;
    std::vector<std::pair<Request, mail::ExemptionFacts>> done;
    bool over = false;
};

struct ExemptionKeeper::Lookup {
    net::Resolver* resolver;
    net::Executor executor;
    std::vector<std::string> lists;
    std::string hostname;
    std::uint16_t port;
};

net::Task<void> ExemptionKeeper::look(
    std::shared_ptr<Round> round, Lookup how, std::vector<Request> due
) {
    for (const Request& one : due) {
        mail::ExemptionQuestion question;
        question.address = one.address;
        question.domain = one.domain;
        question.lists = how.lists;
        question.hostname = how.hostname;
        question.port = how.port;
        const mail::Dns dns{
            how.resolver, how.executor, std::chrono::steady_clock::now() + kRoundMax
        };
        mail::ExemptionFacts facts = co_await mail::look_up_exemption(dns, std::move(question));
        const std::scoped_lock lock{round->mutex};
        round->done.emplace_back(one, std::move(facts));
    }
    const std::scoped_lock lock{round->mutex};
    round->over = true;
}

ExemptionKeeper::ExemptionKeeper(Deps deps) : deps_(deps) {}
ExemptionKeeper::~ExemptionKeeper() = default;

void ExemptionKeeper::follow(
    const config::Config& config, std::shared_ptr<const policy::Policy> policy
) {
    config_ = config;
    policy_ = std::move(policy);
}

void ExemptionKeeper::tick(Time now) {
    finish(now);
    if (now - looked_ < kBetweenLooks) {
        return;
    }
    looked_ = now;
    watch_leases(now);
    if (!round_) {
        begin(now);
    }
    tell(now);
}

void ExemptionKeeper::begin(Time now) {
    std::vector<Request> due;
    const auto add = [&](State state, Duration again) {
        const auto all = deps_.store.requests().list(state, kOpenMax);
        for (const Request& one : all ? *all : std::vector<Request>{}) {
            if (due.size() < kAtOnce && (!one.checked || now - *one.checked >= again)) {
                due.push_back(one);
            }
        }
    };
    if (takes_requests(config_)) {
        add(State::Asked, kAskedAgain);
    }
    add(State::Granted, kGrantedAgain);
    if (due.empty()) {
        return;
    }
    round_ = std::make_shared<Round>();
    const net::Executor executor = deps_.loops.executor(0);
    const Lookup how{
        &deps_.resolver, executor, config_.gate.dnsbl, config_.mail.hostname, config_.delivery.port
    };
    net::spawn(executor, look(round_, how, std::move(due)), "requests for exemption");
}

void ExemptionKeeper::finish(Time now) {
    if (!round_) {
        return;
    }
    std::vector<std::pair<Request, mail::ExemptionFacts>> done;
    bool over = false;
    {
        const std::scoped_lock lock{round_->mutex};
        done.swap(round_->done);
        over = round_->over;
    }
    if (over) {
        round_.reset();
    }
    for (auto& [request, facts] : done) {
        const std::vector<Finding> before = std::move(request.findings);
        request.findings = {held(
            deps_.store.lines(), request.line, request.address, config_.gate.exempt_held_for, now
        )};
        request.findings.insert(
            request.findings.end(), facts.findings.begin(), facts.findings.end()
        );
        request.reverse_name = facts.reverse_name;
        request.checked = now;
        judge(std::move(request), before, now);
    }
}

void ExemptionKeeper::judge(Request request, const std::vector<Finding>& before, Time now) {
    const State was = request.state;
    const Decision decision =
        was == State::Asked
            ? exemption::decide(request, config_.gate.exempt_requests == "automatic", now)
            : exemption::decide_again(before, request.findings);
    if (decision.state != was) {
        bring(std::move(request), decision, now);
        return;
    }
    const bool warn = was == State::Granted && newly_failed(before, request.findings);
    if (was == State::Asked) {
        request.why = decision.why;
    }
    const auto kept = deps_.store.requests().replace(request, was);
    if (kept && *kept && warn) {
        send_exemption_notice({deps_.store, deps_.spool, config_}, request, true, now);
    }
}

void ExemptionKeeper::bring(Request request, const Decision& decision, Time now) {
    const exemption::Books books{
        deps_.store.requests(), {deps_.store.leases(), deps_.store.journal()}
    };
    const exemption::Terms terms = desk::exemption_terms(config_.gate);
    const Request copy = request;
    const auto done =
        exemption::bring(books, std::move(request), decision, kBy, *policy_, terms, now);
    if (done) {
        log::info(
            "EXEMPTION_DECIDED",
            decision.why,
            {{"request", done->id}, {"state", name(done->state)}, {"account", done->login}}
        );
        return;
    }
    log::error(
        "EXEMPTION_NOT_DECIDED",
        done.error().message,
        {{"request", copy.id}, {"state", name(decision.state)}}
    );
    // The policy or another lease stands in the way: for an operator to see.
    if (copy.state == State::Asked && decision.state == State::Granted) {
        static_cast<void>(exemption::bring(
            books, copy, {State::Waiting, done.error().message}, kBy, *policy_, terms, now
        ));
    }
}

void ExemptionKeeper::watch_leases(Time now) {
    const auto granted = deps_.store.requests().list(State::Granted, kOpenMax);
    if (!granted) {
        return;
    }
    const exemption::Books books{
        deps_.store.requests(), {deps_.store.leases(), deps_.store.journal()}
    };
    for (const Request& one : *granted) {
        if (const auto decision = exemption::ended_elsewhere(books, one, now)) {
            bring(one, *decision, now);
        }
    }
}

void ExemptionKeeper::tell(Time now) {
    const auto untold = deps_.store.requests().untold(kAtOnce);
    for (const Request& one : untold ? *untold : std::vector<Request>{}) {
        Request told = one;
        told.told = one.state;
        const auto kept = deps_.store.requests().replace(told, one.state);
        if (kept && *kept) {
            send_exemption_notice({deps_.store, deps_.spool, config_}, one, false, now);
        }
    }
}

}  // namespace sekisho::cli
