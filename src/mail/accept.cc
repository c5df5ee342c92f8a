#include "mail/accept.h"

#include "base/result.h"
#include "base/time.h"
#include "dkim/sign.h"
#include "message/auth_results.h"
#include "message/header.h"
#include "message/repair.h"
#include "message/trace.h"
#include "queue/spool.h"
#include "smtp/command.h"
#include "smtp/server_session.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::mail {
namespace {

message::Reception reception_of(const Submitted& from, const smtp::Transaction& transaction) {
    message::Reception out;
    out.helo = from.helo;
    out.client = from.client;
    out.by = from.hostname;
    out.queue_id = from.queue_id;
    out.extended = from.extended;
    out.tls = from.tls;
    out.authenticated = !from.account.empty();
    out.smtputf8 = transaction.mail.smtputf8;
    out.tls_version = from.tls_version;
    out.tls_cipher = from.tls_cipher;
    for (const auto& recipient : transaction.recipients) {
        out.recipients.push_back(recipient.address.text());
    }
    out.priority = from.priority;
    out.hide_client = from.hide_client;
    out.at = from.at;
    return out;
}

queue::Envelope envelope_of(const Submitted& from, const smtp::Transaction& transaction) {
    queue::Envelope out;
    out.queue_id = from.queue_id;
    out.reverse_path = transaction.reverse_path();
    if (from.rewrite_from && !out.reverse_path.empty()) {
        out.reverse_path = from.account_address;  // SPF looks at it
    }
    for (const auto& recipient : transaction.recipients) {
        queue::Recipient to;
        to.address = recipient.address.text();
        to.notify = recipient.parameters.notify;
        to.orcpt = recipient.parameters.orcpt;
        out.recipients.push_back(std::move(to));
    }
    out.account = from.account;
    out.client = from.client.text();
    out.ret = transaction.mail.ret;
    out.envid = transaction.mail.envid;
    out.smtputf8 = transaction.mail.smtputf8;
    out.body_8bit = transaction.mail.body == smtp::Body::EightBit;
    out.body_binary = transaction.mail.body == smtp::Body::Binary;
    if (const auto& by = transaction.mail.deliver_by) {
        out.deliver_by = queue::DeliverBy{
            .deadline = from.at + by->time,
            .mode = by->notify ? queue::DeliverBy::Mode::Notify : queue::DeliverBy::Mode::Return,
            .trace = by->trace,
        };
    }
    out.priority = from.priority;
    out.require_tls = transaction.mail.require_tls;
    out.accepted = from.at;
    if (transaction.mail.hold_for) {
        out.release = from.at + *transaction.mail.hold_for;
    } else {
        out.release = transaction.mail.hold_until;
    }
    return out;
}

}  // namespace

Prepared prepare(
    const Submitted& from,
    const smtp::Transaction& transaction,
    std::string_view message,
    const message::Header& header
) {
    const std::string trace =
        from.results +
        (from.trace ? message::received_field(reception_of(from, transaction)) : std::string{});
    message::Repaired repaired;
    if (from.account.empty()) {
        repaired.message_id = message::inspect(header).message_id;
    } else {
        message::RepairOptions options;
        options.now = from.at;
        options.host = from.hostname;
        options.id_token = from.unique;
        options.account_address = from.account_address;
        options.rewrite_from = from.rewrite_from;
        options.domain = from.domain;
        repaired = message::plan_repair(header, options);
    }
    for (std::size_t i = 0; i < header.fields().size(); ++i) {
        if (message::pretends_to_be_ours(header.fields()[i], from.own_ids)) {
            repaired.removed.push_back(i);
        }
    }
    std::ranges::sort(repaired.removed);
    Prepared out;
    out.envelope = envelope_of(from, transaction);
    out.envelope.message_id = repaired.message_id;
    out.message = message::assemble(message, header, trace, repaired);
    out.envelope.size = out.message.size();
    return out;
}

void add_trace(Prepared& prepared, const Submitted& from, const smtp::Transaction& transaction) {
    prepared.message.insert(0, message::received_field(reception_of(from, transaction)));
    const auto header = message::Header::scan(prepared.message);
    prepared.envelope.message_id = message::inspect(header).message_id;
    prepared.envelope.size = prepared.message.size();
}

bool to_be_signed(const Prepared& prepared, const dkim::Signer& signer) {
    return !signer.empty() && signer.signs(message::Header::scan(prepared.message));
}

Status sign(Prepared& prepared, const dkim::Signer& signer, Time at) {
    const auto header = message::Header::scan(prepared.message);
    const auto fields = signer.sign(prepared.message, header, at);
    if (!fields) {
        return fail(fields.error());
    }
    prepared.message.insert(0, *fields);
    prepared.envelope.size = prepared.message.size();
    return {};
}

}  // namespace sekisho::mail
