// Is the other side of port 25 a mail server, and may it send for this sender? Both are asked
// before the first recipient, at once.
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "event/event.h"
#include "mail/authenticity.h"
#include "mail/peers.h"
#include "mail/rules.h"
#include "mail/sender_lookups.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "net/lookups.h"
#include "net/task.h"
#include "net/workers.h"
#include "peer/greylist.h"
#include "peer/judge.h"
#include "peer/past.h"
#include "smtp/guidance.h"
#include "smtp/reply.h"
#include "spf/check.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::mail {
namespace {

// On a worker: what is remembered, the decision, and what is to be remembered.
Result<peer::GreylistDecision> decide(
    peer::GreylistStore& store, const peer::GreylistKeys& keys, Duration delay
) {
    const auto source = store.find(keys.source);
    if (!source) {
        return fail(source.error());
    }
    const auto mail = store.find(keys.mail);
    if (!mail) {
        return fail(mail.error());
    }
    const auto decision = peer::greylist(*source, *mail, now(), {.delay = delay});
    for (const auto& [key, entry] :
         {std::pair(&keys.source, &decision.source), std::pair(&keys.mail, &decision.mail)}) {
        if (entry->has_value()) {
            if (const Status kept = store.remember(*key, **entry); !kept) {
                return fail(kept.error());
            }
        }
    }
    return decision;
}

}  // namespace

Dns Session::dns() const {
    return Dns{
        shared_->resolver,
        stream_->executor(),
        std::chrono::steady_clock::now() + settings_->config.mail.lookup_timeout
    };
}

// Mail from this machine itself has no other sender to find out about.
bool Session::checks_senders() const {
    return kind_ == Kind::Exchange && shared_->resolver != nullptr && !peer_.is_loopback();
}

// Those that the policy names are known; the rest is looked at.
bool Session::judges_peer() const {
    return checks_senders() && settings_->config.mail.peer_check != "off" &&
           settings_->policy->classify(peer_) == 0;
}

net::Task<void> Session::find_peer(Dns dns) {
    PeerQuestion question = settings_->peers->question(peer_, smtp_.helo(), settings_->config.mail);
    auto facts = co_await look_up_peer(std::move(dns), std::move(question));
    findings_.peer = std::move(facts);
}

// A store that can't say is no evidence.
net::Task<void> Session::find_past() {
    if (shared_->past == nullptr || !settings_->peers->keeps_past()) {
        co_return;
    }
    using Found = Result<std::optional<peer::Past>>;
    std::function<Found()> work = [shared = shared_, peer = peer_] {
        return shared->brought.find(*shared->past, peer);
    };
    const auto found = co_await net::run_on<Found>(shared_->workers, std::move(work));
    if (!found) {
        log::warning("MAIL_PAST_AWAY", found.error().message, {{"peer", peer_.text()}});
    } else if (*found) {
        past_ = peer::verdict(**found, now());
    }
}

// What this session is remembered for. What it was judged by isn't counted again.
void Session::remember_peer() {
    if (kind_ != Kind::Exchange || shared_->past == nullptr || !judges_peer() ||
        !settings_->peers->keeps_past()) {
        return;
    }
    if (early_) {
        ++brought_.bad;
    }
    if (smtp_.saw_bare_newline()) {
        ++brought_.bad;
    }
    shared_->brought.note(peer_, brought_, now());
    brought_ = {};
}

net::Task<void> Session::find_spf(Dns dns) {
    spf::Query query = spf_query(
        peer_, smtp_.helo(), smtp_.transaction().sender, settings_->config.mail.hostname, now()
    );
    findings_.spf_query = query;
    auto outcome = co_await look_up_spf(std::move(dns), std::move(query));
    ++shared_->counters.spf.at(static_cast<std::size_t>(outcome.result));
    findings_.spf = std::move(outcome);
}

net::Task<void> Session::gather_evidence() {
    const config::Mail& mail = settings_->config.mail;
    const bool spf =
        !findings_.spf && checks_senders() && (mail.spf != "off" || mail.dmarc != "off");
    const bool peer = !findings_.peer && judges_peer();
    net::Together both(stream_->executor());
    if (spf) {
        both.add(find_spf(dns()), "spf");
    }
    if (peer) {
        both.add(find_peer(dns()), "peer");
        both.add(find_past(), "past");
    }
    co_await both.wait();
}

// In observe the journal alone learns of it.
void Session::judge_peer() {
    if (judgement_ || !findings_.peer) {
        return;
    }
    const config::Config& config = settings_->config;
    peer::Facts facts = *findings_.peer;
    facts.our_names = config.mail.domains;
    facts.our_names.push_back(config.mail.hostname);
    facts.early_talker = early_;
    facts.bare_newline = smtp_.saw_bare_newline();
    facts.own_line = line_here();
    facts.dynamic_network = settings_->peers->network_of(peer_);
    facts.past = past_;
    facts.tls = smtp_.tls();
    facts.policy_class = settings_->policy->written(settings_->policy->classify(peer_)).name;
    facts.spf_domain = findings_.spf ? spf_domain(*findings_.spf) : "";
    judgement_ = settings_->peers->judge(facts);
    shared_->counters.judge(judgement_->opinion);
    if (judgement_->opinion != peer::Opinion::Client) {
        return;
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
bool Session::refuse_client(const std::string& recipient) {
    judge_peer();
    if (!judgement_ || judgement_->opinion != peer::Opinion::Client ||
        settings_->config.mail.peer_check != "enforce") {
        return false;
    }
    answer(not_a_server_reply(*settings_, peer_, reference_), recipient, "peer", reference_);
    return true;
}

// Only who is judged neither, or has what the operator wants delayed; a database that is away
// refuses nobody.
net::Task<std::optional<smtp::Reply>> Session::greylisted(std::string recipient_domain) {
    const config::Mail& mail = settings_->config.mail;
    if (shared_->greylist == nullptr || !judgement_) {
        co_return std::nullopt;
    }
    const bool unknown = mail.greylist == "on" && judgement_->opinion == peer::Opinion::Unknown;
    const bool told = judgement_->delay && mail.peer_check == "enforce";
    if (!unknown && !told) {
        co_return std::nullopt;
    }
    const std::string spf = findings_.spf ? spf_domain(*findings_.spf) : std::string();
    const peer::GreylistKeys keys =
        peer::greylist_keys(peer_, spf, smtp_.transaction().reverse_path(), recipient_domain);
    std::function<Result<peer::GreylistDecision>()> work =
        [shared = shared_, keys, delay = mail.greylist_delay] {
            return decide(*shared->greylist, keys, delay);
        };
    const auto decision = co_await net::run_on(shared_->workers, std::move(work));
    if (!decision) {
        log::error("MAIL_GREYLIST_AWAY", decision.error().message, {{"peer", peer_.text()}});
        co_return std::nullopt;
    }
    if (decision->pass) {
        co_return std::nullopt;
    }
    ++shared_->counters.greylisted;
    const auto minutes = std::chrono::ceil<std::chrono::minutes>(decision->wait).count();
    co_return smtp::reply(
        450,
        "4.7.1",
        fmt::format("We don't know you yet: come again in {} min, and it will be taken", minutes)
    );
}

}  // namespace sekisho::mail
