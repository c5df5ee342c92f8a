// Mail for our own domains: Maildir, or an LMTP server.
#include "base/result.h"
#include "delivery/engine.h"
#include "delivery/host_tries.h"
#include "delivery/maildir.h"
#include "delivery/outcome.h"
#include "delivery/route.h"
#include "net/task.h"
#include "net/workers.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

using smtp::Stage;

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

}  // namespace

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
        GroupResult result = co_await tries.run_socket(group.domain, where);
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
    plan.best = 1;
    plan.place = group.domain;
    plan.no_address = another_time("4.4.4", "The LMTP server has no address");
    GroupResult result = co_await tries.run(std::move(plan));
    co_return result;
}

}  // namespace sekisho::delivery
