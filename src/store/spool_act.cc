// The operator's commands on queued messages, one by one and many at a time.
#include "base/assert.h"
#include "base/result.h"
#include "base/time.h"
#include "queue/index.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

using queue::Order;
using queue::RecordType;

RecordType record_type(Order::Action action) {
    switch (action) {
        case Order::Action::Retry:
            return RecordType::Retry;
        case Order::Action::Hold:
            return RecordType::Hold;
        case Order::Action::Release:
            return RecordType::Release;
        case Order::Action::Drop:
            return RecordType::Drop;
        case Order::Action::Reroute:
            break;
    }
    return RecordType::Message;
}

std::string payload(const Order& order) {
    switch (order.action) {
        case Order::Action::Hold:
            return encode(queue::HoldMeta{.reason = order.reason});
        case Order::Action::Retry:
        case Order::Action::Release:
            return encode(queue::DueMeta{.due = order.at});
        default:
            return {};
    }
}

}  // namespace

// RFC 4865: a message that somebody held meanwhile still waits for the time that its sender gave.
Time SpoolLog::release_time(const Order& order, std::string_view queue_id) {
    if (order.action != Order::Action::Release) {
        return order.at;
    }
    const Result<queue::Entry> entry = show(queue_id);
    return entry ? std::max(order.at, entry->envelope.release.value_or(order.at)) : order.at;
}

Status SpoolLog::begin_command(
    Order order, std::string_view queue_id, std::function<void(const Status&)> done
) {
    SEKISHO_ASSERT(std::this_thread::get_id() != committer_.get_id());
    order.at = release_time(order, queue_id);
    const auto number = queue::parse_queue_id(queue_id);
    Pending record =
        make_pending(Role::Command, record_type(order.action), number.value_or(0), payload(order));
    record.due = order.at;
    if (order.action == Order::Action::Reroute) {
        record.reroute = order.route;
    }
    record.done = std::move(done);
    std::unique_lock lock(mutex_);
    const queue::Index::Slot* slot = number ? index_.find(*number) : nullptr;
    if (slot == nullptr) {
        return not_found(queue_id);
    }
    if (stopping_) {
        return fail(Errc::Cancelled, "the spool is closing");
    }
    if (order.action == Order::Action::Release && !slot->held) {
        return fail(Errc::Conflict, fmt::format("{} is not held", queue_id));
    }
    if (order.action == Order::Action::Retry && (slot->held || slot->damaged)) {
        return fail(Errc::Conflict, fmt::format("{} is held; release it", queue_id));
    }
    if (order.action == Order::Action::Retry && slot->place != queue::Place::Scheduled) {
        return fail(Errc::Conflict, fmt::format("{} is being tried now", queue_id));
    }
    push(std::move(record), lock);
    return {};
}

std::vector<Status> SpoolLog::act(const Order& order, const std::vector<std::string>& queue_ids) {
    struct Waiting {
        std::vector<std::promise<Status>> promises;
    };
    auto waiting = std::make_shared<Waiting>();
    waiting->promises.resize(queue_ids.size());
    for (std::size_t i = 0; i < queue_ids.size(); ++i) {
        const Status begun = begin_command(order, queue_ids[i], [waiting, i](const Status& status) {
            waiting->promises[i].set_value(status);
        });
        if (!begun) {
            waiting->promises[i].set_value(begun);
        }
    }
    if (options_.stepped) {
        (void)step();
    }
    std::vector<Status> done;
    done.reserve(queue_ids.size());
    for (std::promise<Status>& promise : waiting->promises) {
        done.push_back(promise.get_future().get());
    }
    return done;
}

Status SpoolLog::command(const Order& order, std::string_view queue_id) {
    return act(order, {std::string(queue_id)}).front();
}

Status SpoolLog::retry_now(std::string_view queue_id, Time now) {
    return command(
        {.action = Order::Action::Retry, .reason = {}, .route = {}, .at = now}, queue_id
    );
}

Status SpoolLog::hold(std::string_view queue_id, std::string reason) {
    Order order{.action = Order::Action::Hold, .reason = std::move(reason), .route = {}};
    return command(order, queue_id);
}

Status SpoolLog::release(std::string_view queue_id, Time now) {
    return command(
        {.action = Order::Action::Release, .reason = {}, .route = {}, .at = now}, queue_id
    );
}

Status SpoolLog::drop(std::string_view queue_id) {
    return command({.action = Order::Action::Drop, .reason = {}, .route = {}}, queue_id);
}

void SpoolLog::give_back(std::string_view queue_id, Time due) {
    const auto number = queue::parse_queue_id(queue_id);
    const std::scoped_lock lock(mutex_);
    if (number && in_delivery_.erase(*number) > 0) {
        index_.give_back(*number, due);
    }
}

}  // namespace sekisho::store
