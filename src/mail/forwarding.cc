// Where mail to an address of ours goes in the end, and the copies of a message that go on to other
// providers: each under a sender of ours (SRS), sealed (ARC), and marked against loops.
#include "account/forwarding.h"

#include "account/account.h"
#include "account/validate.h"
#include "arc/seal.h"
#include "arc/verify.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/sign.h"
#include "mail/accept.h"
#include "mail/authenticity.h"
#include "mail/forwarding.h"
#include "mail/rules.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "message/header.h"
#include "net/task.h"
#include "net/workers.h"
#include "queue/spool.h"
#include "smtp/address.h"
#include "smtp/command.h"
#include "smtp/reply.h"
#include "srs/srs.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

using account::Destination;
using Destinations = std::vector<Destination>;

void add(std::vector<queue::Recipient>& all, queue::Recipient recipient) {
    const bool there = std::ranges::any_of(all, [&recipient](const queue::Recipient& one) {
        return iequals(one.address, recipient.address);
    });
    if (!there) {
        all.push_back(std::move(recipient));
    }
}

std::vector<std::string> recipients_of(const queue::Envelope& envelope) {
    std::vector<std::string> out;
    for (const queue::Recipient& one : envelope.recipients) {
        out.push_back(one.address);
    }
    return out;
}

}  // namespace

srs::Secrets srs_secrets(const config::Forwarding& config, const std::string& own) {
    srs::Secrets out = config.srs_secrets;
    if (!own.empty()) {
        out.push_back(own);
    }
    return out;
}

std::string original_sender(const std::string& sender, const srs::Secrets& secrets, Time now) {
    const auto parsed = smtp::parse_address(sender, {.utf8 = true, .local_max = srs::kLocalMax});
    if (!parsed || secrets.empty() || !srs::is_rewritten(parsed->local)) {
        return sender;
    }
    const auto original = srs::restore(parsed->local, secrets, now);
    return original ? smtp::Address{original->local, original->domain}.text() : sender;
}

std::string forwarded_sender(
    const std::string& sender, const Settings& settings, const srs::Secrets& secrets, Time now
) {
    const auto parsed = smtp::parse_address(sender, {.utf8 = true, .local_max = srs::kLocalMax});
    if (sender.empty() || !parsed || settings.ours(parsed->domain) || secrets.empty()) {
        return sender;
    }
    const auto local = srs::rewrite(parsed->local, parsed->domain, secrets, now);
    if (!local) {
        return sender;
    }
    return smtp::Address{*local, settings.config.forwarding.srs_domain}.text();
}

std::vector<std::string> visited(const message::Header& header) {
    std::vector<std::string> out;
    for (const message::Field* field : header.find_all("Delivered-To")) {
        out.push_back(account::normalised(field->value()));
    }
    return out;
}

// Each recipient's destinations take its place; what goes outside is a message of its own for each
// address of ours that sends it there, so that nobody learns where others' mail goes.
Spread spread(
    const queue::Envelope& envelope,
    const std::map<std::string, Destinations>& destinations,
    const std::vector<std::string>& visited
) {
    Spread out;
    for (const queue::Recipient& recipient : envelope.recipients) {
        const auto found = destinations.find(account::normalised(recipient.address));
        if (found == destinations.end()) {
            add(out.here, recipient);
            continue;
        }
        bool anywhere = false, circle = false;
        for (const Destination& one : found->second) {
            queue::Recipient to = recipient;
            // Who has the address gets it as it was written (RFC 5321 §2.4).
            if (account::normalised(recipient.address) != one.address) {
                if (to.orcpt.empty()) {  // RFC 3461 §5.2.7.3
                    to.orcpt = "rfc822;" + smtp::encode_xtext(recipient.address);
                }
                to.address = one.address;
            }
            if (!one.outside || one.by.empty()) {
                add(out.here, std::move(to));
            } else if (std::ranges::find(visited, one.by) == visited.end()) {
                add(out.on[one.by], std::move(to));
            } else {
                circle = true;
                continue;
            }
            anywhere = true;
        }
        // One that keeps a copy has it now twice, which is better than a bounce for what arrived.
        if (circle && !anywhere) {
            out.circle = recipient.address;
        }
    }
    return out;
}

// A bounce of mail that went on under a sender of ours. nullopt: it is an address like others.
std::optional<smtp::Reply> Session::take_returned(const smtp::Address& to) {
    const srs::Secrets& secrets = settings_->srs_secrets;
    if (secrets.empty() || !srs::is_rewritten(to.local) ||
        to.domain != settings_->config.forwarding.srs_domain) {
        return std::nullopt;
    }
    const auto original = srs::restore(to.local, secrets, now());
    if (!original) {
        const bool forged = original.error().code == Errc::Denied;
        return smtp::reply(
            550,
            forged ? "5.7.1" : "5.1.3",
            fmt::format("<{}>: {}", to.text(), original.error().message)
        );
    }
    // Whoever knows such an address could else send to its owner through us.
    if (smtp_.transaction().sender) {
        return smtp::reply(
            550, "5.7.1", fmt::format("<{}> takes notifications only, from <>", to.text())
        );
    }
    const auto sender = smtp::parse_address(
        original->local + "@" + original->domain, {.local_max = srs::kLocalMax}
    );
    if (!sender) {
        return smtp::reply(550, "5.1.3", fmt::format("<{}>: it leads to no address", to.text()));
    }
    destinations_[account::normalised(to.text())] = {{sender->text(), true, {}}};
    return smtp::reply(250, "2.1.5", "Ok");
}

// Everything that the queue is to keep of a message. Empty: it was refused, for it runs in circles.
net::Task<std::vector<Prepared>> Session::spread_out(Prepared prepared, std::string hostname) {
    std::vector<Prepared> out;
    // Of those that a milter added nobody has asked yet; one that isn't found bounces.
    const std::vector<std::string> recipients = recipients_of(prepared.envelope);
    for (const std::string& one : recipients) {
        if (settings_->ours(one.substr(one.rfind('@') + 1))) {
            const auto found = co_await find_destinations(one);
            static_cast<void>(found);
        }
    }
    const auto header = message::Header::scan(prepared.message);
    Spread parts = spread(prepared.envelope, destinations_, visited(header));
    if (!parts.circle.empty()) {
        answer(
            smtp::reply(
                554,
                "5.4.6",
                fmt::format("<{}>: the message was forwarded here before", parts.circle)
            ),
            parts.circle,
            "loop"
        );
        co_return out;
    }
    if (parts.on.empty()) {
        prepared.envelope.recipients = std::move(parts.here);
        out.push_back(std::move(prepared));
        co_return out;
    }
    for (auto& [by, to] : parts.on) {
        Prepared copy;
        copy.envelope = prepared.envelope;
        copy.envelope.recipients = std::move(to);
        copy.envelope.reverse_path = forwarded_sender(
            prepared.envelope.reverse_path, *settings_, settings_->srs_secrets, now()
        );
        copy.message = "Delivered-To: " + by + "\r\n" + prepared.message;
        auto sealed = co_await sealed_copy(std::move(copy), hostname);
        out.push_back(std::move(sealed));
    }
    prepared.envelope.recipients = std::move(parts.here);
    if (!prepared.envelope.recipients.empty()) {
        out.insert(out.begin(), std::move(prepared));
    }
    for (std::size_t i = 1; i < out.size(); ++i) {
        out[i].envelope.queue_id = shared_->spool.reserve_id();
    }
    co_return out;
}

// What others made of the message is ours to vouch for when it goes on; a message of our own
// account needs no such word.
net::Task<Prepared> Session::sealed_copy(Prepared copy, std::string hostname) {
    copy.envelope.size = copy.message.size();
    const config::Forwarding& config = settings_->config.forwarding;
    if (account_ || !config.arc_seal || shared_->signer == nullptr) {
        co_return copy;
    }
    auto signer = shared_->signer->get();
    const dkim::Signer::Named* key = signer->sealing_key(config.srs_domain);
    const bool chained = message::Header::scan(copy.message).count("ARC-Seal") > 0;
    // A chain that nobody verified here can be called neither good nor broken.
    if (key == nullptr || (chained && !findings_.chain)) {
        co_return copy;
    }
    arc::SealOptions options;
    options.domain = key->domain;
    options.selector = key->key.selector;
    options.authserv_id = std::move(hostname);
    options.results = results(findings_, settings_->config.mail);
    options.chain = findings_.chain ? findings_.chain->result : arc::Result::None;
    options.now = now();
    auto kept = std::make_shared<Prepared>(std::move(copy));
    std::function<Status()> work = [kept, signer, key, options]() -> Status {
        const auto header = message::Header::scan(kept->message);
        const auto fields = arc::seal(kept->message, header, key->key.key, options);
        if (!fields) {
            return fail(fields.error());
        }
        kept->message.insert(0, *fields);
        kept->envelope.size = kept->message.size();
        return {};
    };
    const Status done = co_await net::run_on<Status>(shared_->workers, std::move(work));
    if (!done) {
        log::error(
            "MAIL_NOT_SEALED",
            "a forwarded message goes without ARC seal",
            {{"queue_id", kept->envelope.queue_id}, {"error", done.error().message}}
        );
    }
    co_return std::move(*kept);
}

}  // namespace sekisho::mail
