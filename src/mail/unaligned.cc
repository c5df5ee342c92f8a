// Submitted mail as an address elsewhere: would it arrive?
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "mail/alignment.h"
#include "mail/outlooks.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "message/header.h"
#include "message/repair.h"
#include "net/idn.h"
#include "net/task.h"
#include "queue/notice.h"
#include "queue/spool.h"

#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr int kIdBits = 80;

// The one domain of From, A-labels; empty: none, several, or one of ours.
std::string foreign_author(const message::Inspection& found, const Settings& settings) {
    std::vector<std::string> domains;
    for (const std::string& address : found.from) {
        const std::string domain = to_lower(address.substr(address.rfind('@') + 1));
        if (settings.ours(domain)) {
            return {};
        }
        domains.push_back(net::to_a_labels(domain).value_or(std::string()));
    }
    return dmarc::author_domain(domains);
}

}  // namespace

net::Task<Session::From> Session::check_alignment(const message::Header* header) {
    const config::Config& config = settings_->config;
    if (!account_ || shared_->outlooks == nullptr || shared_->resolver == nullptr ||
        config.mail.from_unaligned == "allow") {
        co_return From::Kept;
    }
    const message::Inspection found = message::inspect(*header);
    OutlookQuestion question;
    question.author = foreign_author(found, *settings_);
    if (question.author.empty()) {
        co_return From::Kept;
    }
    if (const auto& sender = smtp_.transaction().sender) {
        question.envelope = net::to_a_labels(sender->domain).value_or(sender->domain);
    }
    question.hostname = config.mail.hostname;
    question.sends = sending_host(config);
    const Alignment alignment = co_await shared_->outlooks->find(dns(), std::move(question));
    if (!harms(alignment.outlook)) {
        co_return From::Kept;
    }
    log::info(
        "FROM_UNALIGNED",
        "mail as an address elsewhere is likely to be lost",
        {{"account", account_->login},
         {"domain", alignment.domain},
         {"outlook", name(alignment.outlook)}}
    );
    if (config.mail.from_unaligned == "refuse") {
        answer(unaligned_reply(alignment, config.provider.guide_url), {}, "unaligned");
        co_return From::Refused;
    }
    if (config.mail.from_unaligned == "rewrite" && !account_->addresses.empty()) {
        co_return From::Rewritten;
    }
    warn_unaligned(found.from.front(), alignment);
    co_return From::Kept;
}

// By mail: a program shows no reply to what it has sent.
void Session::warn_unaligned(const std::string& author, const Alignment& found) {
    if (account_->addresses.empty() ||
        !shared_->unaligned.first_today(account_->login, found.domain, now())) {
        return;
    }
    const std::string& to = account_->addresses.front();
    const Time at = now();
    LetterOptions options = letter_options(settings_->config);
    options.language = account_->language;
    Letter letter =
        warning_letter(to, printable(author), found, options, random_token(kIdBits), at);
    auto envelope = queue::notice_envelope(to, letter.message_id, letter.message.size(), at);
    shared_->spool.append(
        std::move(envelope),
        std::move(letter.message),
        [to](const Result<std::string>& done) {
            if (!done) {
                log::error(
                    "FROM_UNALIGNED_NOT_TOLD",
                    "a notice could not be queued",
                    {{"to", to}, {"error", done.error().message}}
                );
            }
        }
    );
}

}  // namespace sekisho::mail
