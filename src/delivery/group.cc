// One try for the recipients of one domain: the route, the hosts in order, or the mailboxes here.
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/engine.h"
#include "delivery/host_tries.h"
#include "delivery/outcome.h"
#include "delivery/pace.h"
#include "delivery/route.h"
#include "delivery/routes/destination_rule.h"
#include "delivery/routes/rule.h"
#include "delivery/slots.h"
#include "message/header.h"
#include "net/resolver.h"
#include "net/task.h"
#include "net/workers.h"
#include "queue/suspension.h"
#include "smtp/reply.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

std::uint64_t random_number() {
    std::uint64_t number = 0;
    const std::string bytes = random_bytes(sizeof number);
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
}

Tried refused(const Slots::Granted& granted) {
    Tried tried = another_time("4.4.1", "");
    tried.reply = *granted.refused;
    tried.put_back = granted.closed;
    return tried;
}

const DestinationRule* rule_of(const Job& job, const Group& group, const Plan& plan) {
    const std::string host = plan.hosts.empty() ? std::string() : plan.hosts.front().name;
    return destination_for(job.options->destinations, group.domain, host);
}

Terms terms_of(const DestinationRule& rule) {
    return {.concurrency = rule.concurrency, .messages = rule.messages, .per = rule.per};
}

GroupResult by_rule(GroupResult result, const std::string& rule) {
    for (Tried& one : result.tried) {
        one.destination = rule;
    }
    return result;
}

net::Task<Plan> plan_mx(std::shared_ptr<Job> job, Destination to) {
    Plan plan;
    const auto granted = co_await job->shop->lookups->take(to.domain, job->claim);
    if (granted.refused) {
        plan.instead = refused(granted);
        co_return plan;
    }
    auto answer = co_await job->shop->deps.resolver.mx(to.domain);
    if (!answer) {
        // RFC 5321 §5.1: a failed look-up is no verdict on the domain.
        plan.instead =
            answer.error().code == Errc::Invalid
                ? hopeless(smtp::reply(550, "5.1.2", to.domain + " is not a valid domain name"))
                : another_time("4.4.3", answer.error().message);
        job->shop->lookups->refuse_waiting(to.domain, plan.instead->reply);
        co_return plan;
    }
    std::vector<MxRecord> records;
    for (const net::Mx& mx : answer->records) {
        records.push_back({.preference = mx.preference, .host = mx.host});
    }
    const bool implicit = records.empty();
    std::optional<RouteRule> rule = std::move(to.rule);
    plan.security_domain = to.domain;
    plan.hosts_secure = answer->secure;
    to = hosts_of_mx(to.domain, std::move(records), job->options->route, random_number());
    if (to.kind == Destination::Kind::Failed) {
        plan.instead = hopeless(to.failure);
        co_return plan;
    }
    plan.hosts = std::move(to.hosts);
    plan.best = to.best;
    plan.place = std::move(to.place);
    plan.rule = std::move(rule);
    plan.no_address =
        implicit
            ? hopeless(smtp::reply(550, "5.1.2", "The domain " + to.domain + " does not exist"))
            : hopeless(smtp::reply(550, "5.4.4", "No mail host of " + to.domain + " has an address")
              );
    co_return plan;
}

net::Task<Plan> make_plan(std::shared_ptr<Job> job, Destination to) {
    Plan plan;
    switch (to.kind) {
        case Destination::Kind::Failed:
            plan.instead = to.failure.permanent()
                               ? hopeless(to.failure)
                               : another_time(to.failure.enhanced.c_str(), to.failure.text());
            break;
        case Destination::Kind::MxOf:
            plan = co_await plan_mx(job, std::move(to));
            break;
        case Destination::Kind::Hosts:
        case Destination::Kind::Local:
            plan.hosts = std::move(to.hosts);
            plan.best = to.best;
            plan.place = std::move(to.place);
            plan.rule = std::move(to.rule);
            plan.configured = true;
            if (!plan.hosts.empty()) {
                plan.security_domain = plan.hosts.front().name;
            }
            plan.no_address = another_time("4.4.4", "The configured mail host has no address");
            break;
    }
    co_return plan;
}

}  // namespace

namespace {

struct Loaded {
    Result<std::string> bytes;
    bool loops = false;
    bool tls_optional = false;
};

Loaded looked_at(Result<std::string> bytes) {
    Loaded loaded;
    if (bytes) {
        const auto header = message::Header::scan(*bytes);
        loaded.loops = header.count("Received") > kReceivedMax;
        const auto* const tls = header.find("TLS-Required");
        loaded.tls_optional = tls != nullptr && iequals(tls->value(), "no");
    }
    loaded.bytes = std::move(bytes);
    return loaded;
}

}  // namespace

net::Task<Result<Bytes>> load(std::shared_ptr<Job> job) {
    if (Bytes held = job->bytes.lock()) {
        co_return held;
    }
    // What came in a moment ago is in memory still, and read faster than a worker is woken.
    auto there = job->shop->deps.spool.message_at_once(job->entry.envelope.queue_id);
    Loaded loaded;
    if (there) {
        loaded = looked_at(std::move(*there));
    } else {
        std::function<Loaded()> work = [job] {
            return looked_at(job->shop->deps.spool.message(job->entry.envelope.queue_id));
        };
        auto read = co_await net::run_on<Loaded>(job->shop->deps.workers, std::move(work));
        loaded = std::move(read);
    }
    if (!loaded.bytes) {
        co_return fail(loaded.bytes.error());
    }
    job->loops = loaded.loops;
    job->tls_optional = loaded.tls_optional;
    auto bytes = std::make_shared<const std::string>(std::move(*loaded.bytes));
    job->bytes = bytes;
    co_return bytes;
}

// First where to, since the place is the hosts'; then a place; then the message's bytes, which are
// in memory only while they are needed.
net::Task<GroupResult> try_group(std::shared_ptr<Job> job, Group group) {
    // Of a message that others may have, too: the deliverer keeps back what is suspended as a
    // whole.
    if (job->shop->deps.suspensions != nullptr &&
        job->shop->deps.suspensions->find(queue::Suspension::Of::Domain, group.domain, now())) {
        co_return same_for_all(
            group, another_time("4.3.2", "Mail to " + group.domain + " is suspended here")
        );
    }
    const RouteQuestion question{
        group.domain, job->entry.envelope.reverse_path, job->entry.envelope.account
    };
    Destination to = destination(question, job->options->route);
    const bool local = to.kind == Destination::Kind::Local;
    Plan plan = co_await make_plan(job, std::move(to));
    if (plan.instead) {
        co_return same_for_all(group, *plan.instead);
    }
    const DestinationRule* const rule = rule_of(*job, group, plan);
    const std::string named = rule == nullptr ? std::string() : rule->name;
    const Terms terms = rule == nullptr ? Terms{} : terms_of(*rule);
    const auto granted = co_await job->shop->slots->take(plan.place, job->claim, terms);
    if (granted.refused) {
        co_return by_rule(same_for_all(group, refused(granted)), named);
    }
    auto bytes = co_await load(job);
    if (!bytes) {
        co_return same_for_all(group, another_time("4.3.0", bytes.error().message));
    }
    if (job->loops) {
        const smtp::Reply reply =
            smtp::reply(554, "5.4.6", "The message has gone in a circle: too many Received fields");
        co_return same_for_all(group, hopeless(reply));
    }
    if (local) {
        GroupResult result = co_await try_local(job, std::move(group), std::move(*bytes));
        co_return result;
    }
    const bool lmtp = plan.rule && plan.rule->protocol == RouteRule::Protocol::Lmtp;
    HostTries tries(job, std::move(group), std::move(*bytes), lmtp);
    if (lmtp && plan.hosts.empty()) {
        GroupResult by_socket = co_await tries.run_socket(plan.place, plan.place);
        co_return by_socket;
    }
    GroupResult result = co_await tries.run(std::move(plan));
    co_return by_rule(std::move(result), named);
}

}  // namespace sekisho::delivery
