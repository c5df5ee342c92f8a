// Is the other side of port 25 a mail server? Judged once a session, before its first recipient.
#include "mail/judging.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "event/event.h"
#include "mail/rules.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "net/resolver.h"
#include "net/task.h"
#include "peer/judge.h"
#include "smtp/guidance.h"
#include "smtp/reply.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr std::size_t kNamesLookedAt = 3;

bool holds(const std::vector<IpAddress>& all, const IpAddress& wanted) {
    return std::find(all.begin(), all.end(), wanted) != all.end();
}

}  // namespace

net::Task<peer::Facts> look_up_peer(net::Resolver* resolver, IpAddress address, std::string helo) {
    peer::Facts facts;
    facts.address = address;
    facts.helo = helo;
    const bool v4 = address.is_v4();
    const auto names = co_await resolver->ptr(address);
    facts.names_known = names.has_value();
    if (names) {
        facts.ptr_names = names->records;
    }
    for (std::size_t i = 0; i < std::min(facts.ptr_names.size(), kNamesLookedAt); ++i) {
        const auto back = co_await resolver->addresses(facts.ptr_names[i], v4, !v4);
        if (!back) {
            facts.names_known = false;
        } else if (holds(back->records, address)) {
            facts.confirmed.push_back(facts.ptr_names[i]);
        }
    }
    if (!helo.empty() && !helo.starts_with('[')) {
        const auto back = co_await resolver->addresses(helo, v4, !v4);
        if (back) {
            facts.helo_leads_back = holds(back->records, address);
        }
    }
    co_return facts;
}

// Those that the policy names are known; the rest is looked at. In observe the journal alone learns
// of it.
net::Task<void> Session::judge_peer() {
    const config::Config& config = settings_->config;
    const policy::ClassId id = settings_->policy->classify(peer_);
    if (judgement_ || shared_->resolver == nullptr || config.mail.peer_check == "off" || id != 0 ||
        peer_.is_loopback()) {
        co_return;
    }
    peer::Facts facts = co_await look_up_peer(shared_->resolver, peer_, smtp_.helo());
    facts.our_names = config.mail.domains;
    facts.our_names.push_back(config.mail.hostname);
    facts.early_talker = early_;
    facts.tls = smtp_.tls();
    facts.policy_class = settings_->policy->written(id).name;
    judgement_ = peer::judge(facts);
    shared_->counters.judge(judgement_->opinion);
    if (judgement_->opinion != peer::Opinion::Client) {
        co_return;
    }
    reference_ = reference_.empty() ? random_token(smtp::kReferenceBits) : reference_;
    event::Event judged = event(event::Kind::PeerJudged);
    judged.rule = "peer";
    judged.detail = judgement_->text();
    judged.reference = reference_;
    log::info(
        "MAIL_PEER_JUDGED",
        judged.detail,
        {{"peer", judged.address}, {"helo", smtp_.helo()}, {"reference", reference_}}
    );
    shared_->journal.append(std::move(judged));
    if (config.mail.peer_check == "enforce" && shared_->punish) {
        std::function<void()> work = [shared = shared_, peer = peer_, text = judgement_->text()] {
            shared->punish(peer, text);
        };
        shared_->workers.post(std::move(work));
    }
}

// True: it was told that it is no mail server.
net::Task<bool> Session::refuse_client(std::string recipient) {
    co_await judge_peer();
    if (!judgement_ || judgement_->opinion != peer::Opinion::Client ||
        settings_->config.mail.peer_check != "enforce") {
        co_return false;
    }
    answer(
        not_a_server_reply(*settings_, peer_, reference_), std::move(recipient), "peer", reference_
    );
    co_return true;
}

}  // namespace sekisho::mail
