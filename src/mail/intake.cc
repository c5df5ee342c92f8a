// A whole message: checked, mended, made durable, and only then acknowledged.
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "dkim/sign.h"
#include "dkim/verify.h"
#include "dmarc/check.h"
#include "event/event.h"
#include "limit/spec.h"
#include "mail/accept.h"
#include "mail/authenticity.h"
#include "mail/dmarc_seen.h"
#include "mail/rules.h"
#include "mail/sender_lookups.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "mail/signatures.h"
#include "message/header.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/workers.h"
#include "queue/spool.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::mail {
namespace {

namespace asio = boost::asio;

// The spool calls back on its committer's thread; the session goes on on its own loop.
net::Task<Result<std::string>> append(
    std::shared_ptr<Shared> shared,
    net::Executor executor,
    queue::Envelope envelope,
    std::string message
) {
    using Outcome = std::shared_ptr<Result<std::string>>;
    auto start = [shared, executor, envelope = std::move(envelope), message = std::move(message)](
                     auto handler
                 ) mutable {
        auto kept = std::make_shared<decltype(handler)>(std::move(handler));
        queue::Spool::Committed done = [kept, executor](Result<std::string> result) {
            auto outcome = std::make_shared<Result<std::string>>(std::move(result));
            asio::post(executor, [kept, outcome] { std::move (*kept)(outcome); });
        };
        shared->spool.append(std::move(envelope), std::move(message), std::move(done));
    };
    auto token = asio::use_awaitable;
    const Outcome outcome =
        co_await asio::async_initiate<decltype(token), void(Outcome)>(std::move(start), token);
    co_return std::move(*outcome);
}

// On a worker: an RSA signature takes a millisecond, the hash of a large message many. A message
// that can't be signed goes without: its sender has done nothing wrong.
net::Task<Prepared> signed_by(
    std::shared_ptr<Shared> shared,
    std::shared_ptr<const dkim::Signer> signer,
    Prepared prepared,
    Time at
) {
    if (!to_be_signed(prepared, *signer)) {
        co_return prepared;
    }
    auto kept = std::make_shared<Prepared>(std::move(prepared));
    std::function<Status()> work = [kept, signer, at] { return sign(*kept, *signer, at); };
    const Status done = co_await net::run_on<Status>(shared->workers, std::move(work));
    if (done) {
        ++shared->counters.messages_signed;
    } else {
        log::error(
            "MAIL_NOT_SIGNED",
            "a message goes without DKIM signature",
            {{"queue_id", kept->envelope.queue_id}, {"error", done.error().message}}
        );
    }
    co_return std::move(*kept);
}

SignatureFinding finding_of(const dkim::Verdict& verdict) {
    SignatureFinding out;
    out.status = verdict.status == dkim::Outcome::Pass        ? dmarc::Status::Pass
                 : verdict.status == dkim::Outcome::TempError ? dmarc::Status::TempError
                                                              : dmarc::Status::Other;
    out.result = name(verdict.status);
    out.domain = verdict.domain;
    out.selector = verdict.selector;
    out.algorithm = verdict.algorithm;
    out.signature = verdict.signature;
    out.reason = verdict.reason;
    return out;
}

}  // namespace

// DKIM and DMARC of a whole message on the exchange. True: it was refused.
net::Task<bool> Session::refuse_unauthentic(
    std::shared_ptr<const std::string> text, const message::Header* header
) {
    const config::Mail& config = settings_->config.mail;
    findings_.dmarc.reset();
    findings_.signatures.clear();
    findings_.chain.reset();
    if (!checks_senders() || config.dmarc == "off") {
        co_return false;
    }
    auto vouched = co_await verify_signatures(
        shared_->resolver, &shared_->workers, std::move(text), now(), config.lookup_timeout
    );
    for (const dkim::Verdict& verdict : vouched.signatures) {
        findings_.signatures.push_back(finding_of(verdict));
    }
    findings_.chain = std::move(vouched.chain);
    dmarc::Input input = dmarc_input(*header, findings_);
    auto outcome = co_await look_up_dmarc(dns(), std::move(input));
    ++shared_->counters.dmarc.at(static_cast<std::size_t>(outcome.result));
    findings_.dmarc = std::move(outcome);
    auto refusal = refuse_dmarc(findings_, config, header->count("From"));
    if (refusal) {
        ++brought_.bad;
        answer(std::move(*refusal), {}, "dmarc");
    }
    co_return refusal.has_value();
}

// Whether the message is from whom the account may write as.
Session::From Session::check_author(const message::Header& header) {
    const std::string& how = settings_->config.mail.from_check;
    if (!account_ || how == "off") {
        return From::Kept;
    }
    auto refusal = refuse_author(*account_, message::inspect(header));
    if (!refusal) {
        return From::Kept;
    }
    if (how == "enforce" || (how == "rewrite" && account_->addresses.empty())) {
        answer(std::move(*refusal), {}, "from");
        return From::Refused;
    }
    note_author(refusal->text());
    return how == "rewrite" ? From::Rewritten : From::Kept;
}

// For a From that is missing or replaced: the reverse-path, where it is an address of ours.
std::string Session::address_of_author(const smtp::Transaction& transaction, From author) const {
    if (!account_ || account_->addresses.empty()) {
        return {};
    }
    const bool ours = transaction.sender && settings_->ours(to_lower(transaction.sender->domain));
    return author == From::Rewritten && ours ? transaction.reverse_path()
                                             : account_->addresses.front();
}

// What the trace and the repair are to say of this session and message.
Submitted Session::submitted(const smtp::Transaction& transaction, From author) const {
    Submitted from;
    from.account = smtp_.login();
    from.account_address = address_of_author(transaction, author);
    from.rewrite_from = author == From::Rewritten;
    from.helo = smtp_.helo();
    from.client = peer_;
    from.hostname = settings_->config.mail.hostname;
    from.domain = settings_->config.mail.domains.front();
    from.queue_id = queue_id_.empty() ? shared_->spool.reserve_id() : queue_id_;
    from.unique = from.queue_id + "." + random_token(64);
    from.extended = smtp_.extended();
    from.tls = smtp_.tls();
    from.hide_client = kind_ != Kind::Exchange && settings_->config.mail.hide_client_address;
    if (const auto tls = stream_->tls()) {
        from.tls_version = tls->version;
        from.tls_cipher = tls->cipher;
    }
    from.at = now();
    from.priority =
        granted_priority(settings_->config.mail, transaction.mail.priority, from.account, peer_);
    from.results = fields(findings_, settings_->config.mail);
    from.own_ids = own_ids(settings_->config.mail);
    return from;
}

net::Task<void> Session::take_message(Smtp::Deliver mail) {
    const auto begun = std::chrono::steady_clock::now();
    if (kind_ != Kind::Exchange) {
        const bool answered = co_await mend(&mail);
        if (answered) {
            co_return;
        }
    }
    // Shared: a worker looks at it while it verifies.
    auto text = std::make_shared<const std::string>(std::move(mail.message));
    const auto header = message::Header::scan(*text);
    if (auto refusal = refuse_message(header)) {
        const bool loop = refusal->enhanced == "5.4.6";
        answer(std::move(*refusal), {}, loop ? "loop" : "header");
        co_return;
    }
    if (auto refusal =
            take_message_of(limit::Counts::Bytes, static_cast<std::int64_t>(text->size()))) {
        answer(std::move(*refusal), {}, limited_by_);
        co_return;
    }
    const From author = check_author(header);
    if (author == From::Refused) {
        co_return;
    }
    From vouched = author;
    if (author == From::Kept) {
        vouched = co_await check_alignment(&header);
    }
    if (vouched == From::Refused) {
        co_return;
    }
    const bool refused = co_await refuse_unauthentic(text, &header);
    note_dmarc(mail.transaction, std::string_view(*text).substr(0, header.header_size()), refused);
    if (refused) {
        co_return;
    }
    Submitted from = submitted(mail.transaction, vouched);
    for (auto& recipient : mail.transaction.recipients) {
        if (recipient.address.domain.empty()) {
            recipient.address.domain = settings_->config.mail.domains.front();
        }
    }
    from.trace = !filters();
    Prepared prepared = prepare(from, mail.transaction, *text, header);
    std::function<void()> tell_reports = reports_in(prepared.envelope, text);
    text.reset();
    if (!from.trace) {
        const bool answered = co_await filter_message(&prepared);
        if (answered) {
            co_return;
        }
        add_trace(prepared, from, mail.transaction);
    }
    if (kind_ != Kind::Exchange && shared_->signer != nullptr) {
        prepared =
            co_await signed_by(shared_, shared_->signer->get(), std::move(prepared), from.at);
    }
    tell_recipients(prepared.envelope);
    auto all = co_await spread_out(std::move(prepared), from.hostname);
    if (all.empty()) {
        co_return;
    }
    std::vector<queue::Envelope> envelopes;
    for (const Prepared& one : all) {
        envelopes.push_back(one.envelope);
    }
    const Result<std::string> committed = co_await keep(std::move(all));
    acknowledge(committed, envelopes);
    if (committed) {
        shared_->counters.taken.count(std::chrono::steady_clock::now() - begun);
    }
    if (committed && tell_reports) {
        shared_->workers.post(std::move(tell_reports));
    }
}

// All of it is durable when this returns the first one's queue id; an error: perhaps a part. The
// client sends it again then.
net::Task<Result<std::string>> Session::keep(std::vector<Prepared> all) {
    std::string first;
    for (Prepared& one : all) {
        const auto begun = std::chrono::steady_clock::now();
        const Result<std::string> committed = co_await append(
            shared_, stream_->executor(), std::move(one.envelope), std::move(one.message)
        );
        if (!committed) {
            co_return committed;
        }
        shared_->counters.stored.count(std::chrono::steady_clock::now() - begun);
        co_await hold_by_conduct(*committed);
        if (!held_by_filter_.empty()) {
            co_await hold(*committed, held_by_filter_);
        }
        first = first.empty() ? *committed : first;
    }
    co_return first;
}

namespace {

bool is_for(const queue::Envelope& envelope, const std::string& address) {
    return !address.empty() &&
           std::ranges::any_of(envelope.recipients, [&](const queue::Recipient& one) {
               return iequals(one.address, address);
           });
}

}  // namespace

// Work for when the message is durable: a complaint about mail from here, or a report of another,
// for the operator's addresses that take them. Empty: it is only mail.
std::function<void()> Session::reports_in(
    const queue::Envelope& envelope, std::shared_ptr<const std::string> text
) {
    if (kind_ != Kind::Exchange) {
        return {};
    }
    const config::Config& config = settings_->config;
    const bool complaint = shared_->complaint && is_for(envelope, config.conduct.report_address);
    const bool report = shared_->report_mail && is_for(envelope, config.reports.receive);
    if (!complaint && !report) {
        return {};
    }
    auto mail = std::make_shared<ReportMail>();
    if (findings_.dmarc) {
        mail->author = findings_.dmarc->author;
        mail->verified = findings_.dmarc->result == dmarc::Result::Pass;
    }
    return [shared = shared_, text, mail, complaint, report] {
        if (complaint) {
            shared->complaint(*text);
        }
        if (report) {
            mail->text = *text;
            shared->report_mail(*mail);
        }
    };
}

// For the report to the domain in From. What comes to our own address for reports isn't in it: two
// servers would report each other's reports for ever.
void Session::note_dmarc(
    const smtp::Transaction& transaction, std::string_view header, bool refused
) {
    if (!shared_->dmarc_seen || !findings_.dmarc) {
        return;
    }
    const std::string& own = settings_->config.reports.receive;
    bool only_reports = !own.empty();
    std::optional<std::string> domain;
    for (const auto& one : transaction.recipients) {
        only_reports = only_reports && iequals(one.address.text(), own);
        if (domain && !iequals(*domain, one.address.domain)) {
            domain = "";
        }
        domain = domain ? domain : std::optional(one.address.domain);
    }
    if (only_reports) {
        return;
    }
    auto seen = dmarc_seen(findings_, settings_->config.mail, peer_, domain.value_or(""), refused);
    if (seen) {
        if (settings_->config.reports.failures) {
            add_failure(findings_, header, *seen);
        }
        shared_->dmarc_seen(*seen);
    }
}

// It would have been refused, were it enforced.
void Session::note_author(const std::string& why) {
    log::warning(
        "FROM_FOREIGN",
        why,
        {{"account", account_->login}, {"peer", peer_.text()}, {"enforced", false}}
    );
}

// The only place that says 250 to a message. `committed` comes from the spool's callback, which
// runs after the message is on stable storage.
void Session::acknowledge(
    const Result<std::string>& committed, const std::vector<queue::Envelope>& envelopes
) {
    if (!committed) {
        log::error(
            "MAIL_NOT_QUEUED",
            "a message could not be made durable",
            {{"error", committed.error().message}, {"peer", peer_.text()}}
        );
        const bool full = committed.error().code == Errc::Full;
        answer(
            full ? smtp::reply(452, "4.3.1", "Not enough space, try again later")
                 : smtp::reply(451, "4.3.0", "The message could not be stored, try again later"),
            {},
            "spool"
        );
        return;
    }
    taken_.clear();  // sent: it counts
    const std::string& id = *committed;
    ++shared_->counters.messages_accepted;
    ++brought_.messages;
    for (const queue::Envelope& envelope : envelopes) {
        note_accepted(envelope);
    }
    // RFC 6710 §4.1: the reply says which priority it got, when that isn't the one asked for.
    const int priority = envelopes.front().priority;
    if (priority != smtp_.transaction().mail.priority.value_or(0)) {
        smtp_.answer(smtp::reply(
            250,
            "2.3.6",
            fmt::format(
                "{} is the new priority assigned to the message; queued as {}", priority, id
            )
        ));
        return;
    }
    smtp_.answer(smtp::reply(250, "2.0.0", "Ok: queued as " + id));
}

void Session::note_accepted(const queue::Envelope& envelope) {
    shared_->counters.recipients_accepted += envelope.recipients.size();
    shared_->counters.octets_accepted += envelope.size;
    for (const queue::Recipient& recipient : envelope.recipients) {
        event::Event accepted = event(event::Kind::Accepted);
        accepted.queue_id = envelope.queue_id;
        accepted.message_id = envelope.message_id;
        accepted.sender = envelope.reverse_path;
        accepted.recipient = recipient.address;
        accepted.octets = static_cast<std::int64_t>(envelope.size);
        accepted.detail = summary(findings_);
        shared_->journal.append(std::move(accepted));
    }
    log::info(
        "MAIL_ACCEPTED",
        "message queued",
        {{"queue_id", envelope.queue_id},
         {"message_id", envelope.message_id},
         {"account", envelope.account},
         {"peer", envelope.client},
         {"sender", envelope.reverse_path},
         {"recipients", envelope.recipients.size()},
         {"size", envelope.size},
         {"authenticity", summary(findings_)}}
    );
}

}  // namespace sekisho::mail
