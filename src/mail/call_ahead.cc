#include "mail/call_ahead.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/route.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

using Clock = std::chrono::steady_clock;

// Where a path or host:port leads.
net::Task<Result<std::unique_ptr<net::Stream>>> reach(
    net::Resolver* resolver, net::Executor executor, std::string where, Duration timeout
) {
    if (where.starts_with('/')) {
        auto local = co_await net::connect_unix(std::move(executor), std::move(where), timeout);
        co_return local;
    }
    const auto host = delivery::parse_host(where);
    if (!host) {
        co_return fail(Errc::Invalid, "delivery.lmtp is not host:port or a path");
    }
    std::vector<IpAddress> addresses;
    if (host->address) {
        addresses.push_back(*host->address);
    } else if (resolver != nullptr) {
        const auto found = co_await resolver->addresses(host->name, true, true);
        if (!found) {
            co_return fail(found.error());
        }
        addresses = found->records;
    }
    Error why{Errc::Unavailable, where + " has no address"};
    for (const IpAddress& address : addresses) {
        const Endpoint to{address, host->port};
        auto connected = co_await net::connect(executor, to, std::nullopt, timeout);
        if (connected) {
            co_return connected;
        }
        why = connected.error();
    }
    co_return fail(std::move(why));
}

// Says a line (none: only listens) and reads the reply.
net::Task<Result<smtp::Reply>> exchange(
    net::Stream* stream, smtp::ReplyReader* replies, std::string line
) {
    if (!line.empty()) {
        line += "\r\n";
        const Status written = co_await stream->write_all(line);
        if (!written) {
            co_return fail(written.error());
        }
    }
    std::array<char, 2048> buffer{};
    while (true) {
        const auto reply = replies->next();
        if (!reply) {
            co_return fail(reply.error());
        }
        if (*reply) {
            co_return **reply;
        }
        const Result<std::size_t> got = co_await stream->read_some(buffer);
        if (!got) {
            co_return fail(got.error());
        }
        replies->receive(std::string_view(buffer.data(), *got));
    }
}

}  // namespace

std::optional<bool> CallAhead::remembered(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    const auto found = known_.find(address);
    if (found == known_.end() || found->second.until < Clock::now()) {
        return std::nullopt;
    }
    ++counters_.remembered;
    return found->second.known;
}

void CallAhead::remember(const std::string& address, bool known) {
    const auto at = Clock::now();
    const std::scoped_lock lock(mutex_);
    if (known_.size() >= kRememberedMax) {
        std::erase_if(known_, [at](const auto& one) { return one.second.until < at; });
    }
    if (known_.size() >= kRememberedMax) {
        known_.clear();
    }
    known_[address] = {known, at + (known ? options_.known_for : options_.unknown_for)};
}

CallAhead::Counters CallAhead::counters() const {
    const std::scoped_lock lock(mutex_);
    return counters_;
}

net::Task<Result<smtp::Reply>> CallAhead::talk(net::Executor executor, std::string address) {
    auto connected =
        co_await reach(resolver_, std::move(executor), options_.where, options_.timeout);
    if (!connected) {
        co_return fail(connected.error());
    }
    const std::unique_ptr<net::Stream> stream = std::move(*connected);
    stream->expires_after(options_.timeout);
    smtp::ReplyReader replies;
    const std::vector<std::string> lines{
        "", "LHLO " + options_.hostname, "MAIL FROM:<>", "RCPT TO:<" + address + ">"
    };
    Result<smtp::Reply> reply = fail(Errc::Unavailable, "nothing was said");
    for (const std::string& line : lines) {
        reply = co_await exchange(stream.get(), &replies, line);
        if (!reply) {
            co_return reply;
        }
        if (!reply->positive() && &line != &lines.back()) {
            co_return fail(Errc::Unavailable, options_.where + " says: " + reply->text());
        }
    }
    const Status written = co_await stream->write_all("QUIT\r\n");
    static_cast<void>(written);
    co_return reply;
}

net::Task<Result<std::optional<smtp::Reply>>> CallAhead::ask(
    std::shared_ptr<CallAhead> self, net::Executor executor, std::string address
) {
    {
        const std::scoped_lock lock(self->mutex_);
        if (Clock::now() < self->rests_until_) {
            ++self->counters_.away;
            co_return fail(Errc::Unavailable, self->options_.where + " was away a moment ago");
        }
        ++self->counters_.asked;
    }
    const Result<smtp::Reply> reply = co_await self->talk(std::move(executor), address);
    if (!reply || reply->temporary()) {
        const std::scoped_lock lock(self->mutex_);
        ++self->counters_.away;
        if (!reply) {
            self->rests_until_ = Clock::now() + kRest;
            co_return fail(Errc::Unavailable, reply.error().message);
        }
        co_return fail(Errc::Unavailable, self->options_.where + " says: " + reply->text());
    }
    if (reply->positive()) {
        self->remember(address, true);
        co_return std::optional<smtp::Reply>{};
    }
    // RFC 3463 §3.2: X.1.* is about the address; a mailbox that is full exists.
    const bool unknown = reply->enhanced.empty() || reply->enhanced.starts_with("5.1.");
    if (unknown) {
        self->remember(address, false);
        const std::scoped_lock lock(self->mutex_);
        ++self->counters_.unknown;
    }
    co_return std::optional<smtp::Reply>(*reply);
}

}  // namespace sekisho::mail
