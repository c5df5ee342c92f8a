// One try for the recipients of one domain: the route, the hosts in order, or the mailboxes here.
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "delivery/engine.h"
#include "delivery/maildir.h"
#include "delivery/outcome.h"
#include "delivery/route.h"
#include "delivery/slots.h"
#include "delivery/smtp_client.h"
#include "message/header.h"
#include "net/resolver.h"
#include "net/task.h"
#include "net/workers.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <cstddef>
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

using smtp::Stage;

std::uint64_t random_number() {
    std::uint64_t number = 0;
    const std::string bytes = random_bytes(sizeof number);
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
}

// Ours, for good: decide() gives up at this stage.
Tried hopeless(smtp::Reply reply) {
    return {.stage = Stage::Rcpt, .reply = std::move(reply), .local = true};
}
Tried another_time(const char* enhanced, const std::string& text) {
    return {.stage = Stage::Connect, .reply = smtp::reply(451, enhanced, text), .local = true};
}

GroupResult same_for_all(const Group& group, const Tried& tried) {
    GroupResult result;
    result.tried.assign(group.members.size(), tried);
    return result;
}

// The hosts of a destination, or what there is to say instead.
struct Plan {
    std::vector<Host> hosts;
    std::optional<Tried> instead;
    std::optional<Tried> no_address;  // when no host turns out to have one
};

net::Task<Plan> plan_mx(std::shared_ptr<Job> job, Destination to) {
    Plan plan;
    auto answer = co_await job->shop->deps.resolver.mx(to.domain);
    if (!answer) {
        // RFC 5321 §5.1: a failed look-up is no verdict on the domain.
        plan.instead =
            answer.error().code == Errc::Invalid
                ? hopeless(smtp::reply(550, "5.1.2", to.domain + " is not a valid domain name"))
                : another_time("4.4.3", answer.error().message);
        co_return plan;
    }
    std::vector<MxRecord> records;
    for (const net::Mx& mx : answer->records) {
        records.push_back({.preference = mx.preference, .host = mx.host});
    }
    const bool implicit = records.empty();
    to = hosts_of_mx(to.domain, std::move(records), job->options->route, random_number());
    if (to.kind == Destination::Kind::Failed) {
        plan.instead = hopeless(to.failure);
        co_return plan;
    }
    plan.hosts = std::move(to.hosts);
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
            plan.no_address = another_time("4.4.4", "The configured mail host has no address");
            break;
    }
    co_return plan;
}

smtp::OutgoingMessage outgoing(
    const Job& job, const Group& group, const std::vector<std::size_t>& which, Bytes bytes
) {
    const queue::Envelope& envelope = job.entry.envelope;
    smtp::OutgoingMessage message;
    message.reverse_path = envelope.reverse_path;
    message.bytes = std::move(bytes);
    message.smtputf8 = envelope.smtputf8;
    message.body_8bit = envelope.body_8bit;
    message.body_binary = envelope.body_binary;
    message.require_tls = envelope.require_tls;
    message.priority = envelope.priority;
    message.ret = envelope.ret;
    message.envid = envelope.envid;
    for (const std::size_t i : which) {
        const queue::Recipient& to = envelope.recipients[group.members[i]];
        smtp::OutgoingRecipient recipient;
        recipient.address = to.address;
        recipient.notify = to.notify;
        recipient.orcpt = to.orcpt;
        message.recipients.push_back(std::move(recipient));
    }
    return message;
}

// What the connections of a group are counted by: the smarthost takes all domains' together.
std::string place_of(const Group& group, const Destination& to, const Options& options) {
    const bool smarthost = to.kind == Destination::Kind::Hosts && !options.route.smarthost.empty();
    return smarthost ? options.route.smarthost : group.domain;
}

// Hosts one after the other for those recipients that none has decided on yet.
class HostTries {
  public:
    HostTries(std::shared_ptr<Job> job, Group group, Bytes bytes, bool lmtp)
        : job_(std::move(job)), group_(std::move(group)), bytes_(std::move(bytes)), lmtp_(lmtp) {
        for (std::size_t i = 0; i < group_.members.size(); ++i) {
            open_.push_back(i);
        }
        result_.tried.resize(group_.members.size());
        result_.final_delivery = lmtp;
    }

    net::Task<GroupResult> run(Plan plan) {
        for (Host& host : plan.hosts) {
            if (open_.empty() || tries_ >= job_->options->addresses_max) {
                break;
            }
            std::vector<IpAddress> addresses = co_await addresses_of(host);
            for (const IpAddress& address : addresses) {
                if (open_.empty() || tries_ >= job_->options->addresses_max) {
                    break;
                }
                Peer peer;
                peer.name = host.name;
                peer.endpoint.address = address;
                peer.endpoint.port = host.port;
                co_await try_peer(std::move(peer));
            }
        }
        if (tries_ == 0) {
            const Tried why = look_up_failed_.value_or(plan.no_address.value_or(Tried{}));
            co_return same_for_all(group_, why);
        }
        if (!reached_) {
            const std::string key =
                place_of(group_, destination(group_.domain, job_->options->route), *job_->options);
            job_->shop->slots->refuse_waiting(key, result_.tried.front().reply);
        }
        co_return std::move(result_);
    }

    net::Task<GroupResult> run_socket(std::string path) {
        Peer peer;
        peer.name = path;
        peer.socket_path = std::move(path);
        co_await try_peer(std::move(peer));
        co_return std::move(result_);
    }

  private:
    net::Task<std::vector<IpAddress>> addresses_of(Host host) {
        std::vector<IpAddress> addresses;
        const Options& options = *job_->options;
        if (host.address) {
            addresses.push_back(*host.address);
            co_return addresses;
        }
        auto answer =
            co_await job_->shop->deps.resolver.addresses(host.name, options.ipv4, options.ipv6);
        if (!answer) {
            look_up_failed_ = another_time("4.4.3", answer.error().message);
            co_return addresses;
        }
        // IPv6 first, and at every second try IPv4 first: a family that is broken on the way
        // delays half of the tries, and stops none.
        const bool v4_first = job_->entry.attempts % 2 == 1;
        for (const bool first : {true, false}) {
            for (const IpAddress& address : answer->records) {
                if (usable(address) && (address.is_v4() == v4_first) == first) {
                    addresses.push_back(address);
                }
            }
        }
        co_return addresses;
    }

    net::Task<void> try_peer(Peer peer) {
        ++tries_;
        Shop& shop = *job_->shop;
        ++shop.counters.attempts;
        SendOptions options;
        options.hostname = job_->options->route.hostname;
        options.lmtp = lmtp_;
        options.connect_timeout = job_->options->connect_timeout;
        if (!lmtp_) {
            options.tls = shop.deps.tls;
        }
        smtp::OutgoingMessage message = outgoing(*job_, group_, open_, bytes_);
        Attempt attempt =
            co_await send_message(job_->executor, peer, std::move(options), std::move(message));
        shop.counters.tls += attempt.tls.empty() ? 0 : 1;
        shop.counters.tls_failed += attempt.tls_failed ? 1 : 0;
        std::vector<std::size_t> still_open;
        for (std::size_t n = 0; n < open_.size() && n < attempt.recipients.size(); ++n) {
            smtp::RecipientOutcome& outcome = attempt.recipients[n];
            Tried& tried = result_.tried[open_[n]];
            reached_ = reached_ || outcome.stage != Stage::Connect;
            tried.stage = outcome.stage;
            tried.reply = std::move(outcome.reply);
            tried.local = outcome.local;
            tried.remote_name = peer.name;
            tried.remote = peer.text();
            tried.tls = attempt.tls;
            tried.dsn_passed_on = attempt.dsn_offered;
            if (decide(tried, false) == Decision::NextHost) {
                still_open.push_back(open_[n]);
            }
        }
        open_ = std::move(still_open);
    }

    std::shared_ptr<Job> job_;
    Group group_;
    Bytes bytes_;
    bool lmtp_;
    std::vector<std::size_t> open_;  // indices into the group
    GroupResult result_;
    std::size_t tries_ = 0;
    bool reached_ = false;
    std::optional<Tried> look_up_failed_;
};

Tried from_maildir(const Status& done, const std::string& mailbox) {
    if (done) {
        Tried tried;
        tried.stage = Stage::EndOfData;
        tried.reply = smtp::reply(250, "2.0.0", "Delivered to the mailbox " + mailbox);
        tried.local = true;
        return tried;
    }
    if (done.error().code == Errc::Full) {
        return another_time("4.3.1", done.error().message);  // the system's disk
    }
    if (done.error().code == Errc::Invalid) {
        return hopeless(smtp::reply(550, "5.1.3", done.error().message));
    }
    return another_time("4.3.0", done.error().message);
}

// On a worker: the mailboxes of all recipients of the group.
std::vector<Tried> to_mailboxes(const Job& job, const Group& group, const std::string& bytes) {
    std::vector<Tried> result;
    for (const std::size_t member : group.members) {
        const std::string& address = job.entry.envelope.recipients[member].address;
        const auto mailbox = job.shop->deps.find_mailbox(address);
        if (!mailbox && mailbox.error().code == Errc::NotFound) {
            result.push_back(hopeless(smtp::reply(550, "5.1.1", "There is no mailbox " + address)));
            continue;
        }
        if (!mailbox) {
            result.push_back(another_time("4.3.0", mailbox.error().message));
            continue;
        }
        MaildirMessage message;
        message.root = job.options->maildir;
        message.mailbox = *mailbox;
        message.hostname = job.options->route.hostname;
        message.queue_id = job.entry.envelope.queue_id;
        message.recipient = address;
        message.reverse_path = job.entry.envelope.reverse_path;
        message.accepted = job.entry.envelope.accepted;
        message.bytes = bytes;
        message.binary = job.entry.envelope.body_binary;
        result.push_back(from_maildir(deliver_to_maildir(message), *mailbox));
    }
    return result;
}

net::Task<GroupResult> try_local(std::shared_ptr<Job> job, Group group, Bytes bytes) {
    if (job->options->local == Options::Local::Maildir) {
        std::function<std::vector<Tried>()> work = [job, group, bytes] {
            return to_mailboxes(*job, group, *bytes);
        };
        GroupResult result;
        result.final_delivery = true;
        result.tried =
            co_await net::run_on<std::vector<Tried>>(job->shop->deps.workers, std::move(work));
        co_return result;
    }
    const std::string where = job->options->lmtp;
    HostTries tries(job, group, std::move(bytes), true);
    if (where.starts_with('/')) {
        GroupResult result = co_await tries.run_socket(where);
        co_return result;
    }
    Plan plan;
    const auto host = parse_host(where);
    if (!host) {
        co_return same_for_all(
            group, another_time("4.3.5", "The LMTP server is not configured as host:port or a path")
        );
    }
    plan.hosts.push_back(*host);
    plan.no_address = another_time("4.4.4", "The LMTP server has no address");
    GroupResult result = co_await tries.run(std::move(plan));
    co_return result;
}

}  // namespace

net::Task<Result<Bytes>> load(std::shared_ptr<Job> job) {
    if (Bytes held = job->bytes.lock()) {
        co_return held;
    }
    struct Loaded {
        Result<std::string> bytes;
        bool loops = false;
        bool tls_optional = false;
    };
    std::function<Loaded()> work = [job] {
        Loaded loaded;
        loaded.bytes = job->shop->deps.spool.message(job->entry.envelope.queue_id);
        if (loaded.bytes) {
            const auto header = message::Header::scan(*loaded.bytes);
            loaded.loops = header.count("Received") > kReceivedMax;
            const auto* const tls = header.find("TLS-Required");
            loaded.tls_optional = tls != nullptr && iequals(tls->value(), "no");
        }
        return loaded;
    };
    Loaded loaded = co_await net::run_on<Loaded>(job->shop->deps.workers, std::move(work));
    if (!loaded.bytes) {
        co_return fail(loaded.bytes.error());
    }
    job->loops = loaded.loops;
    job->tls_optional = loaded.tls_optional;
    auto bytes = std::make_shared<const std::string>(std::move(*loaded.bytes));
    job->bytes = bytes;
    co_return bytes;
}

net::Task<GroupResult> try_group(std::shared_ptr<Job> job, Group group) {
    Destination to = destination(group.domain, job->options->route);
    const std::string key = place_of(group, to, *job->options);
    const auto granted = co_await job->shop->slots->take(key);
    if (granted.refused) {
        Tried tried = another_time("4.4.1", "");
        tried.reply = *granted.refused;
        tried.put_back = granted.closed;
        co_return same_for_all(group, tried);
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
    if (to.kind == Destination::Kind::Local) {
        GroupResult result = co_await try_local(job, std::move(group), std::move(*bytes));
        co_return result;
    }
    Plan plan = co_await make_plan(job, std::move(to));
    if (plan.instead) {
        co_return same_for_all(group, *plan.instead);
    }
    HostTries tries(job, std::move(group), std::move(*bytes), false);
    GroupResult result = co_await tries.run(std::move(plan));
    co_return result;
}

}  // namespace sekisho::delivery
