#include "mail/rules.h"

#include "account/account.h"
#include "account/sasl.h"
#include "account/send_as.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/time.h"
#include "config/config.h"
#include "limit/limiter.h"
#include "line/line.h"
#include "message/header.h"
#include "message/repair.h"
#include "policy/policy.h"
#include "smtp/guidance.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr std::size_t kAddressesShown = 3;
constexpr std::size_t kAddressShownMax = 100;  // characters of one that a client named
// Lines of mail that goes to others must fit their limit (RFC 5321 §4.5.3.1.6); mail that stays
// with us may have longer ones, and senders that don't fold are many.
constexpr std::size_t kLineMaxSubmission = 1000;
constexpr std::size_t kLineMaxExchange = 65536;

std::string used_of(const limit::Refusal& refusal) {
    std::string text = fmt::format(
        "Limit {} reached: {} of {} used", refusal.limit, refusal.used, refusal.allowed
    );
    if (refusal.possible) {
        const Time free = std::chrono::ceil<std::chrono::seconds>(refusal.free_at);
        text += ", free again " + rfc3339(free).substr(0, 19) + "Z";
    }
    return text;
}

std::optional<std::uint16_t> port(std::string_view text) {
    std::uint16_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::string addresses_of(const account::Account& account) {
    std::string out;
    std::vector<std::string> all = account.addresses;
    for (const std::string& domain : account.domains) {
        all.push_back("@" + domain);
    }
    for (const auto* more : {&account.aliases, &account.delegated, &account.send_as}) {
        all.insert(all.end(), more->begin(), more->end());
    }
    for (std::size_t i = 0; i < all.size() && i < kAddressesShown; ++i) {
        out += (i == 0 ? "" : ", ") + all[i];
    }
    if (all.size() > kAddressesShown) {
        out += ", ...";
    }
    return out.empty() ? "none" : out;
}

}  // namespace

smtp::ServerOptions session_options(
    const Settings& settings, smtp::Service service, bool implicit_tls, bool tls_available
) {
    const config::Mail& mail = settings.config.mail;
    smtp::ServerOptions out;
    out.service = service;
    out.hostname = mail.hostname;
    out.message_size_max = mail.message_size_max;
    out.line_length_max =
        service == smtp::Service::Submission ? kLineMaxSubmission : kLineMaxExchange;
    if (service == smtp::Service::Submission && mail.reencode) {
        out.line_length_max = mail.message_size_max + 2;  // shortened later: mending.cc
    }
    out.recipients_max = mail.recipients_max;
    out.bad_commands_max = mail.bad_commands_max;
    out.tls_available = tls_available;
    out.implicit_tls = implicit_tls;
    // Other systems want the password itself, and a client that is offered SCRAM takes it.
    const bool scram =
        mail.scram == "always" || (mail.scram == "own" && settings.config.account_sources.empty());
    for (const account::Mechanism mechanism :
         {account::Mechanism::ScramSha256Plus,
          account::Mechanism::ScramSha256,
          account::Mechanism::Plain,
          account::Mechanism::Login}) {
        if (scram || account::sends_password(mechanism)) {
            out.mechanisms.emplace_back(account::name(mechanism));
        }
    }
    if (settings.config.oauth.enabled()) {
        for (const auto mechanism :
             {account::Mechanism::OAuthBearer, account::Mechanism::XOAuth2}) {
            out.mechanisms.emplace_back(account::name(mechanism));
        }
    }
    out.binarymime = mail.binarymime;
    if (mail.deliver_by) {
        out.deliver_by_min = std::chrono::ceil<std::chrono::seconds>(mail.deliver_by_min);
    }
    out.priority = mail.priority;
    out.require_tls = mail.require_tls;
    out.future_release_max = std::chrono::floor<std::chrono::seconds>(mail.hold_longest);
    out.guide_url = settings.config.provider.guide_url;
    out.submission_host = settings.config.settings.outgoing_host;
    out.submission_port = settings.submission_port;
    return out;
}

std::optional<smtp::Reply> refuse_sender(
    const account::Account& account, const std::optional<smtp::Address>& sender
) {
    if (!account.enabled) {
        std::string text = "This account may not send now";
        if (!account.disabled_reason.empty()) {
            text += ": " + account.disabled_reason;
        }
        return smtp::reply(550, "5.7.13", std::move(text));
    }
    if (!sender) {
        return std::nullopt;
    }
    if (account::may_send_as(account, sender->key())) {
        return std::nullopt;
    }
    return smtp::reply(
        553,
        "5.7.1",
        fmt::format(
            "Sender <{}> does not belong to account {}; allowed: {}",
            sender->text(),
            account.login,
            addresses_of(account)
        )
    );
}

std::optional<smtp::Reply> refuse_author(
    const account::Account& account, const message::Inspection& inspection
) {
    std::vector<std::string> named = inspection.from;
    if (!inspection.sender.empty()) {
        named.push_back(inspection.sender);
    }
    for (const std::string& address : named) {
        const auto parsed = smtp::parse_address(address);
        if (!parsed || !account::may_send_as(account, parsed->key())) {
            return smtp::reply(
                550,
                "5.7.1",
                fmt::format(
                    "The message says it is from <{}>, which does not belong to account {}; "
                    "allowed: {}",
                    printable(address, kAddressShownMax),
                    account.login,
                    addresses_of(account)
                )
            );
        }
    }
    // What can't be read might be shown by the reader's program all the same.
    if (inspection.has_from && (!inspection.from_well_formed || inspection.from.empty())) {
        return smtp::reply(550, "5.6.0", "The From field can't be read, or there are several");
    }
    return std::nullopt;
}

smtp::Reply limit_reply(const limit::Refusal& refusal, std::string_view guide_url) {
    std::string text = used_of(refusal);
    if (!guide_url.empty()) {
        text += fmt::format("; see {}/limits", guide_url);
    }
    return smtp::reply(450, "4.7.1", std::move(text));
}

smtp::Reply abroad_reply(std::string_view guide_url) {
    return smtp::reply(
        550,
        "5.7.1",
        fmt::format(
            "The owner of this account has chosen that nothing is sent from abroad: {}/my",
            guide_url
        )
    );
}

smtp::Reply login_limit_reply(const limit::Refusal& refusal) {
    return smtp::reply(454, "4.7.0", used_of(refusal));
}

int granted_priority(
    const config::Mail& mail,
    std::optional<int> asked,
    std::string_view login,
    const IpAddress& client
) {
    const int wanted = asked.value_or(0);
    const int most = static_cast<int>(mail.priority_max);
    if (wanted <= most) {
        return wanted;
    }
    const bool trusted = std::ranges::any_of(mail.priority_from, [&](const std::string& who) {
        const auto prefix = Prefix::parse(who);
        return prefix ? login.empty() && prefix->contains(client) : who == login;
    });
    return trusted ? wanted : most;
}

std::vector<std::string> identities_of(const config::Tls& config, const net::TlsInfo& tls) {
    std::vector<std::string> out;
    if (tls.certificate_sha256.empty()) {
        return out;
    }
    for (const std::string& pair : config.client_logins) {
        const std::size_t equals = pair.find('=');
        if (iequals(std::string_view(pair).substr(0, equals), tls.certificate_sha256)) {
            out.push_back(pair.substr(equals + 1));
        }
    }
    out.insert(out.end(), tls.mail_names.begin(), tls.mail_names.end());
    return out;
}

smtp::Reply login_unavailable() {
    return smtp::reply(454, "4.7.0", "Temporary authentication failure, try again later");
}

smtp::Reply login_refusal(account::SaslRefusal why) {
    switch (why) {
        case account::SaslRefusal::Disabled:
            // Only who knows the password learns of it (sasl.h).
            return smtp::reply(525, "5.7.13", "This account is disabled; ask the support");
        case account::SaslRefusal::Malformed:
            return smtp::reply(501, "5.5.2", "The authentication exchange is malformed");
        case account::SaslRefusal::AppPassword:
            return smtp::reply(
                535, "5.7.8", "This app password has expired or is not for this address"
            );
        case account::SaslRefusal::Token:
            return smtp::reply(535, "5.7.8", "The token is not accepted");
        case account::SaslRefusal::Certificate:
            return smtp::reply(535, "5.7.8", "The certificate is of no account here");
        case account::SaslRefusal::UnknownUser:
        case account::SaslRefusal::WrongPassword:
        case account::SaslRefusal::NoKeys:
            break;
    }
    return smtp::reply(535, "5.7.8", "Authentication credentials invalid");
}

smtp::Reply with_help(smtp::Reply reply, std::string_view guide_url) {
    // A broken exchange (501) is a matter for the program's maker, not for its user.
    if (!guide_url.empty() && !reply.lines.empty() && reply.code != 501) {
        reply.lines.back() += fmt::format("; see {}/login#{}", guide_url, reply.enhanced);
    }
    return reply;
}

std::optional<Misplaced> misplaced(
    const policy::Policy& policy,
    const IpAddress& client,
    const IpAddress& local,
    const line::Answer& line
) {
    const policy::Verdict verdict = policy.judge(client, local, policy::Direction::ToPort25);
    const bool refuses = verdict.declared == policy::Action::Refuse ||
                         verdict.declared == policy::Action::Drop ||
                         verdict.declared == policy::Action::Answer;
    const bool known =
        verdict.rule >= 0 && static_cast<std::size_t>(verdict.rule) < policy.rules().size();
    if (known && !refuses) {
        return std::nullopt;
    }
    const std::string& name = policy.written(verdict.client).name;
    if (refuses && verdict.stage != policy::Stage::Observe) {
        return Misplaced{
            known ? policy.rules()[static_cast<std::size_t>(verdict.rule)].name : "default",
            fmt::format(
                "{} is of class {}, which may not speak to our exchange", client.text(), name
            )
        };
    }
    if (!refuses && line.certainty == line::Certainty::Subscriber) {
        return Misplaced{
            "line", fmt::format("{} belongs to line {}: {}", client.text(), line.line, line.reason)
        };
    }
    return std::nullopt;
}

smtp::Reply misplaced_reply(const Settings& settings, std::string_view reference) {
    const std::string& host = settings.config.settings.outgoing_host;
    std::string text = smtp::use_submission(
        host.empty() ? settings.config.mail.hostname : host, settings.submission_port
    );
    return smtp::reply(
        550,
        "5.7.1",
        smtp::with_reference(std::move(text), settings.config.provider.guide_url, reference)
    );
}

smtp::Reply not_a_server_reply(
    const Settings& settings, const IpAddress& client, std::string_view reference
) {
    std::string text = fmt::format(
        "Mail comes here from mail servers, and {} does not look like one: send through your "
        "provider's",
        client.text()
    );
    return smtp::reply(
        550,
        "5.7.1",
        smtp::with_reference(std::move(text), settings.config.provider.guide_url, reference)
    );
}

std::optional<smtp::Reply> refuse_message(const message::Header& header) {
    if (!header.complete()) {
        return smtp::reply(554, "5.6.0", "Message refused: its header is too large");
    }
    const std::size_t hops = header.count("Received");
    if (hops > kReceivedMax) {
        return smtp::reply(
            554, "5.4.6", fmt::format("Too many hops: {} Received fields, this is a loop", hops)
        );
    }
    return std::nullopt;
}

std::optional<smtp::Reply> refuse_repeated(const message::Header& header) {
    // Bcc is not among them: all of it is taken out.
    for (const std::string_view name :
         {"From",
          "Sender",
          "Reply-To",
          "To",
          "Cc",
          "Subject",
          "Date",
          "Message-ID",
          "In-Reply-To",
          "References"}) {
        if (const std::size_t there = header.count(name); there > 1) {
            return smtp::reply(
                550,
                "5.6.0",
                fmt::format(
                    "The message has {} {} fields, and may have one (RFC 5322): the program that "
                    "made it must be mended",
                    there,
                    name
                )
            );
        }
    }
    return std::nullopt;
}

std::optional<std::uint16_t> fallback_port(
    const std::vector<std::string>& pairs, std::uint16_t wanted
) {
    for (const std::string& pair : pairs) {
        const std::size_t equals = pair.find('=');
        const auto from = port(std::string_view(pair).substr(0, equals));
        if (equals != std::string::npos && from == wanted) {
            return port(std::string_view(pair).substr(equals + 1));
        }
    }
    return std::nullopt;
}

}  // namespace sekisho::mail
