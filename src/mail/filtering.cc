// What milters are told of a session, and what becomes of their word. They are asked after all our
// own checks of a recipient: connection, HELO and MAIL are told with the first one, so that a
// client that we refuse ourselves is no work for them.
#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/machine.h"
#include "event/event.h"
#include "mail/accept.h"
#include "mail/conduct.h"
#include "mail/rules.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "message/header.h"
#include "message/repair.h"
#include "milter/chain.h"
#include "milter/changes.h"
#include "milter/dialogue.h"
#include "milter/milter.h"
#include "net/stream.h"
#include "net/task.h"
#include "queue/spool.h"
#include "smtp/command.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

using Verdict = milter::Verdict;

// As libmilter's programs expect it, and log it.
constexpr std::string_view kMailer = "esmtp";

std::vector<std::shared_ptr<milter::Milter>> milters_of(
    const Settings& settings, std::string_view service
) {
    std::vector<std::shared_ptr<milter::Milter>> out;
    for (const auto& one : settings.milters) {
        const auto& services = one->config().services;
        if (services.empty() || std::ranges::find(services, service) != services.end()) {
            out.push_back(one);
        }
    }
    return out;
}

std::string path(const std::string& address) {
    return "<" + address + ">";
}

// MAIL's parameters, as far as milters care.
std::vector<std::string> parameters_of(const smtp::MailParameters& mail) {
    std::vector<std::string> out;
    if (mail.size) {
        out.push_back(fmt::format("SIZE={}", *mail.size));
    }
    if (mail.body != smtp::Body::SevenBit) {
        out.emplace_back(mail.body == smtp::Body::Binary ? "BODY=BINARYMIME" : "BODY=8BITMIME");
    }
    if (mail.smtputf8) {
        out.emplace_back("SMTPUTF8");
    }
    if (!mail.ret.empty()) {
        out.push_back("RET=" + mail.ret);
    }
    if (!mail.envid.empty()) {
        out.push_back("ENVID=" + mail.envid);
    }
    return out;
}

std::vector<std::string> parameters_of(const smtp::RcptParameters& rcpt) {
    std::vector<std::string> out;
    if (!rcpt.notify.empty()) {
        out.push_back("NOTIFY=" + rcpt.notify);
    }
    if (!rcpt.orcpt.empty()) {
        out.push_back("ORCPT=" + rcpt.orcpt);
    }
    return out;
}

// A path with its parameters as a milter writes them, read as a client's command would be.
std::optional<smtp::Command> read_path(
    std::string_view verb, const milter::Changes::Path& from, bool utf8
) {
    smtp::CommandRules rules;
    rules.utf8_transaction = utf8;
    std::string line = std::string(verb) + from.path;
    if (!from.parameters.empty()) {
        line += " " + from.parameters;
    }
    if (line.find_first_of("\r\n") != std::string::npos) {
        return std::nullopt;
    }
    auto command = smtp::parse_command(line, rules);
    return command ? std::optional(std::move(*command)) : std::nullopt;
}

void add_recipient(queue::Envelope& envelope, const smtp::Command& command) {
    const std::string address = command.address->text();
    const bool there = std::ranges::any_of(envelope.recipients, [&](const queue::Recipient& one) {
        return iequals(one.address, address);
    });
    if (!there) {
        queue::Recipient to;
        to.address = address;
        to.notify = command.rcpt.notify;
        to.orcpt = command.rcpt.orcpt;
        envelope.recipients.push_back(std::move(to));
    }
}

// What can't be read is left as it was; who wrote it is told in the log.
void change_envelope(queue::Envelope& envelope, const milter::Judged::Envelope& by) {
    const auto bad = [&by](const std::string& what) {
        log::warning(
            "MILTER_BAD_ADDRESS",
            "a milter gave an address that is none: " + printable(what, 100),
            {{"milter", by.milter}}
        );
    };
    if (by.sender) {
        const auto command = read_path("MAIL FROM:", *by.sender, envelope.smtputf8);
        if (command) {
            envelope.reverse_path = command->address ? command->address->text() : std::string{};
        } else {
            bad(by.sender->path);
        }
    }
    for (const milter::Changes::Path& one : by.added) {
        const auto command = read_path("RCPT TO:", one, envelope.smtputf8);
        if (command && command->address && !command->address->domain.empty()) {
            add_recipient(envelope, *command);
        } else {
            bad(one.path);
        }
    }
    for (const std::string& one : by.removed) {
        std::erase_if(envelope.recipients, [&one](const queue::Recipient& to) {
            return iequals(path(to.address), one);
        });
    }
}

}  // namespace

bool Session::filters() const {
    return milters_ != nullptr;
}

// Between transactions. The connections stay.
void Session::forget_filtering() {
    filtered_.reset();
    queue_id_.clear();
    held_by_filter_.clear();
}

std::shared_ptr<milter::Told> Session::told_to_milters() const {
    const smtp::Transaction& transaction = smtp_.transaction();
    auto out = std::make_shared<milter::Told>();
    const Endpoint client = stream_->peer();
    const Endpoint local = stream_->local();
    const std::string bare = "[" + peer_.text() + "]";
    const bool named = findings_.peer && !findings_.peer->confirmed.empty();
    out->client = {
        named ? findings_.peer->confirmed.front() : bare, peer_.text(), !peer_.is_v4(), client.port
    };
    out->helo = smtp_.helo();
    out->sender = path(transaction.reverse_path());
    out->parameters = parameters_of(transaction.mail);
    milter::Macros& macros = out->macros;
    const config::Mail& mail = settings_->config.mail;
    macros["i"] = queue_id_;
    macros["j"] = mail.hostname;
    macros["v"] = "Sekisho";
    macros["_"] = out->client.name + (named ? " " + bare : std::string{});
    macros["r"] = smtp_.protocol();
    macros["s"] = smtp_.helo();
    macros["{daemon_name}"] = kind_ == Kind::Exchange ? "exchange" : "submission";
    macros["{daemon_addr}"] = macros["{if_addr}"] = local.address.text();
    macros["{daemon_port}"] = fmt::format("{}", local.port);
    macros["{if_name}"] = mail.hostname;
    macros["{client_addr}"] = peer_.text();
    macros["{client_name}"] = out->client.name;
    macros["{client_port}"] = fmt::format("{}", client.port);
    macros["{client_ptr}"] = named ? out->client.name : std::string("unknown");
    macros["{client_resolve}"] = named ? "OK" : "FAIL";
    if (const auto tls = stream_->tls()) {
        macros["{tls_version}"] = tls->version;
        macros["{cipher}"] = tls->cipher;
        macros["{verify}"] = tls->peer_verified ? "OK" : "NO";
        out->secured = tls->version + " " + tls->cipher;
    }
    if (!smtp_.login().empty()) {
        macros["{auth_type}"] = mechanism_;
        macros["{auth_authen}"] = smtp_.login();
        macros["{auth_author}"] = transaction.mail.auth.value_or("");
    }
    macros["f"] = macros["{mail_addr}"] = transaction.reverse_path();
    macros["{mail_host}"] = transaction.sender ? transaction.sender->domain : std::string{};
    macros["{mail_mailer}"] = kMailer;
    return out;
}

void Session::tell_spam(const std::string& verdict) {
    if (!account_) {
        return;
    }
    conduct::Seen seen = seen_here(conduct::Seen::What::Spam);
    seen.detail = verdict;
    tell_warden(account_->login, account_->line, seen);
}

net::Task<std::optional<smtp::Reply>> Session::filter_recipient(Smtp::CheckRcpt question) {
    if (!milters_) {
        const auto milters =
            milters_of(*settings_, kind_ == Kind::Exchange ? "exchange" : "submission");
        if (milters.empty()) {
            co_return std::nullopt;
        }
        milters_ = std::make_unique<milter::Chain>(
            milters, stream_->executor(), settings_->config.mail.message_size_max
        );
    }
    if (!filtered_) {
        queue_id_ = shared_->spool.reserve_id();
        auto verdict = co_await milters_->mail(told_to_milters());
        filtered_ = std::move(verdict);
    }
    Verdict verdict = *filtered_;
    if (verdict.kind == Verdict::Kind::Pass) {
        auto told = told_to_milters();
        const smtp::Address& to = question.recipient.address;
        told->macros["{rcpt_addr}"] = to.text();
        told->macros["{rcpt_host}"] = to.domain;
        told->macros["{rcpt_mailer}"] = settings_->ours(to.domain) ? "local" : kMailer;
        auto macros = std::make_shared<const milter::Macros>(std::move(told->macros));
        std::string forward = path(to.text());
        auto parameters = parameters_of(question.recipient.parameters);
        verdict =
            co_await milters_->rcpt(std::move(forward), std::move(parameters), std::move(macros));
        if (verdict.kind == Verdict::Kind::Discard) {
            filtered_ = verdict;  // the whole message
        }
    }
    if (verdict.kind != Verdict::Kind::Refuse) {
        co_return std::nullopt;
    }
    filter_ = "milter:" + verdict.milter;
    live_->ended = live_->ended || verdict.closes;
    co_return verdict.reply;
}

net::Task<bool> Session::filter_message(Prepared* prepared) {
    if (filtered_ && filtered_->kind == Verdict::Kind::Discard) {
        filter_ = "milter:" + filtered_->milter;
        discard(*prepared);
        co_return true;
    }
    auto content = std::make_shared<milter::Content>();
    content->message = std::move(prepared->message);
    content->binary = prepared->envelope.body_binary;
    content->macros = told_to_milters()->macros;
    auto judged = co_await milters_->message(std::move(content));
    prepared->message = std::move(judged.message);
    if (!judged.spam.empty()) {
        ++brought_.bad;
        tell_spam(judged.spam);
    }
    filter_ = "milter:" + judged.verdict.milter;
    if (judged.verdict.kind == Verdict::Kind::Refuse) {
        live_->ended = live_->ended || judged.verdict.closes;
        answer(std::move(judged.verdict.reply), {}, filter_);
        co_return true;
    }
    for (const milter::Judged::Envelope& one : judged.envelope) {
        filter_ = "milter:" + one.milter;
        change_envelope(prepared->envelope, one);
    }
    if (judged.verdict.kind == Verdict::Kind::Discard || prepared->envelope.recipients.empty()) {
        discard(*prepared);
        co_return true;
    }
    if (!judged.hold.empty()) {
        held_by_filter_ = std::move(judged.hold);
        prepared->envelope.not_before = now() + kUntilHeld;
    }
    co_return false;
}

// The one 250 to a message that isn't kept: that is what a milter's "discard" asks for. It is told
// of in the journal, so that it isn't lost without a trace.
void Session::discard(const Prepared& prepared) {
    const queue::Envelope& envelope = prepared.envelope;
    for (const auto& recipient : smtp_.transaction().recipients) {
        event::Event row = event(event::Kind::Dropped);
        row.queue_id = envelope.queue_id;
        row.message_id = envelope.message_id;
        row.recipient = recipient.address.text();
        row.rule = filter_;
        row.detail = "discarded before it was queued, as " + filter_ + " wants";
        shared_->journal.append(std::move(row));
    }
    log::info(
        "MILTER_DISCARDED",
        "a message was discarded as a milter wants",
        {{"queue_id", envelope.queue_id}, {"by", filter_}, {"peer", peer_.text()}}
    );
    taken_.clear();
    smtp_.answer(smtp::reply(250, "2.0.0", "Ok: " + envelope.queue_id));
}

}  // namespace sekisho::mail
