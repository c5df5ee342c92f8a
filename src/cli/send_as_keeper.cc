#include "cli/send_as_keeper.h"

#include "account/send_as.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/context.h"
#include "cli/sender_rights.h"
#include "config/config.h"
#include "mail/alignment.h"
#include "mail/outlooks.h"
#include "mail/sender_lookups.h"
#include "net/idn.h"
#include "net/wait.h"
#include "queue/notice.h"
#include "queue/spool.h"
#include "store/store.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr int kIdBits = 80;
constexpr auto kQueueTime = std::chrono::seconds(20);

std::string domain_of(const std::string& address) {
    return address.substr(address.rfind('@') + 1);
}

Json to_json(const account::SendAs& one) {
    Json out{
        {"login", one.login},
        {"address", one.address},
        {"proven", account::is_proven(one)},
        {"created", rfc3339(one.created)},
        {"outlook", one.outlook}
    };
    if (account::is_proven(one)) {
        out["proven_at"] = rfc3339(one.proven);
    } else {
        out["code_expires"] = one.code_digest.empty() ? "" : rfc3339(one.code_expires);
    }
    if (!one.vouched.empty()) {
        out["vouched"] = one.vouched;
    }
    return out;
}

Json to_json(const mail::Alignment& found, const config::Provider& provider) {
    Json services = Json::array();
    for (const mail::OutsideService& one : found.services) {
        services.push_back(
            {{"host", one.host},
             {"port", one.port},
             {"security", one.implicit_tls ? "tls" : "starttls"}}
        );
    }
    return Json{
        {"outlook", mail::name(found.outlook)},
        {"spf", spf::name(found.spf.result)},
        {"dkim", found.dkim},
        {"dmarc", dmarc::name(found.dmarc.result)},
        {"dmarc_policy", found.dmarc.policy_domain.empty() ? "" : dmarc::name(found.dmarc.policy)},
        {"submission", std::move(services)},
        {"text",
         {{"ja",
           mail::explain_ja(found, provider.name_ja.empty() ? provider.name : provider.name_ja)},
          {"en", mail::explain_en(found, provider.name)}}}
    };
}

}  // namespace

SendAsKeeper::SendAsKeeper(Deps deps, const config::Config& config)
    : deps_(std::move(deps)), config_(config) {}

void SendAsKeeper::follow(const config::Config& config) {
    const std::scoped_lock lock(mutex_);
    config_ = config;
}

Result<Json> SendAsKeeper::command(const std::string& name, const Json& request) {
    const std::scoped_lock lock(mutex_);
    if (name == "sendas-add") {
        return add(request);
    }
    if (name == "sendas-list") {
        return list(account::normalised(request.value("login", "")));
    }
    if (name == "sendas-remove") {
        return remove(request);
    }
    if (name == "sendas-prove") {
        return prove(request);
    }
    if (name == "sendas-claim") {
        return claim(request.value("code", ""));
    }
    return fail(Errc::NotFound, "the mail server knows no command \"" + name + "\"");
}

Result<account::Account> SendAsKeeper::knows(const std::string& login) {
    return account_anywhere(deps_.store, config_, deps_.elsewhere, login);
}

Result<std::string> SendAsKeeper::checked_address(
    const std::string& login, const std::string& address
) {
    std::string wanted = account::normalised(address);
    if (const Status sound = account::check_address(wanted); !sound) {
        return fail(sound.error());
    }
    const std::string domain = domain_of(wanted);
    if (std::ranges::any_of(config_.mail.domains, [&](const std::string& ours) {
            return iequals(ours, domain);
        })) {
        return fail(
            Errc::Invalid,
            domain + " is ours: give the address to the account instead (sekisho account)"
        );
    }
    const auto others = deps_.store.send_as().of(login);
    if (!others) {
        return fail(others.error());
    }
    const bool known =
        std::ranges::find(*others, wanted, &account::SendAs::address) != others->end();
    if (!known && others->size() >= account::kSendAsMax) {
        return fail(Errc::Full, "an account has at most 32 addresses elsewhere; remove one");
    }
    return wanted;
}

mail::Alignment SendAsKeeper::look(const std::string& domain) {
    mail::OutlookQuestion question;
    question.author = net::to_a_labels(domain).value_or(domain);
    question.envelope = question.author;
    question.hostname = config_.mail.hostname;
    question.sends = mail::sending_host(config_);
    mail::Dns dns{
        &deps_.resolver,
        deps_.executor,
        std::chrono::steady_clock::now() + config_.mail.lookup_timeout
    };
    return net::wait_for(deps_.executor, deps_.outlooks.look(std::move(dns), std::move(question)));
}

// Waits until it is in the spool: a code that was counted but never queued would be lost.
Status SendAsKeeper::mail_code(
    const account::SendAs& one, const std::string& code, const std::string& language, Time at
) {
    mail::LetterOptions options = mail::letter_options(config_);
    options.language = language;
    mail::Letter letter =
        mail::code_letter(one.address, one.login, code, options, random_token(kIdBits), at);
    auto envelope =
        queue::notice_envelope(one.address, letter.message_id, letter.message.size(), at);
    auto promise = std::make_shared<std::promise<Status>>();
    auto queued = promise->get_future();
    deps_.spool.append(
        std::move(envelope),
        std::move(letter.message),
        [promise](const Result<std::string>& done) {
            promise->set_value(done ? Status{} : Status(fail(done.error())));
        }
    );
    if (queued.wait_for(kQueueTime) != std::future_status::ready) {
        return fail(Errc::Timeout, "the queue takes no mail now; try again later");
    }
    return queued.get();
}

void SendAsKeeper::record(const account::SendAs& one, const std::string& what) {
    record_change(deps_.store, one.login, "send-as " + one.address + ": " + what);
}

Result<Json> SendAsKeeper::add(const Json& request) {
    account::SendAs one;
    one.login = account::normalised(request.value("login", ""));
    one.vouched = request.value("vouched", "");
    const auto account = knows(one.login);
    if (!account) {
        return fail(account.error());
    }
    auto address = checked_address(one.login, request.value("address", ""));
    if (!address) {
        return fail(address.error());
    }
    one.address = *address;
    const auto before = deps_.store.send_as().find(one.login, one.address);
    if (before && account::is_proven(*before)) {
        return fail(Errc::Conflict, one.login + " may send as " + one.address + " already");
    }
    const Time at = now();
    const bool by_code = one.vouched.empty();
    if (by_code) {
        const auto sent =
            deps_.store.send_as().codes_sent(one.login, one.address, at - account::kCodesCounted);
        if (!sent) {
            return fail(sent.error());
        }
        if (const Status may = account::may_mail_code(*sent); !may) {
            return fail(may.error());
        }
    }
    const mail::Alignment found = look(domain_of(one.address));
    one.created = before ? before->created : at;
    one.outlook = std::string(mail::name(found.outlook));
    std::string code;
    Status kept;
    if (by_code) {
        code = account::readable_code(random_token(account::kCodeBits));
        one.code_digest = account::code_digest(code);
        one.code_expires = at + account::kCodeValid;
        kept = deps_.store.send_as().put_with_code(one, at);
    } else {
        one.proven = at;
        kept = deps_.store.send_as().put(one);
    }
    if (!kept) {
        return fail(kept.error());
    }
    if (by_code) {
        if (const Status mailed = mail_code(one, code, account->language, at); !mailed) {
            return fail(mailed.error());
        }
    }
    const std::string by = request.value("by", "");
    record(
        one,
        (by_code ? std::string("asked for, a code was mailed") : "allowed: " + one.vouched) +
            ", outlook " + one.outlook + (by.empty() ? "" : ", by " + by)
    );
    Json out = to_json(one);
    out.update(to_json(found, config_.provider));
    return out;
}

Result<Json> SendAsKeeper::list(const std::string& login) {
    const auto account = knows(login);
    if (!account) {
        return fail(account.error());
    }
    auto rights = sender_rights(deps_.store, *account);
    if (!rights) {
        return fail(rights.error());
    }
    const auto all = deps_.store.send_as().of(login);
    if (!all) {
        return fail(all.error());
    }
    Json rows = Json::array();
    for (const account::SendAs& one : *all) {
        rows.push_back(to_json(one));
    }
    return Json{{"login", login}, {"addresses", std::move(rows)}, {"rights", std::move(*rights)}};
}

Result<Json> SendAsKeeper::remove(const Json& request) {
    account::SendAs one;
    one.login = account::normalised(request.value("login", ""));
    one.address = account::normalised(request.value("address", ""));
    if (const Status gone = deps_.store.send_as().remove(one.login, one.address); !gone) {
        return fail(gone.error());
    }
    const std::string by = request.value("by", "");
    record(one, "removed" + (by.empty() ? std::string() : ", by " + by));
    return Json{
        {"login", one.login},
        {"address", one.address},
        {"text", one.login + " may no longer send as " + one.address}
    };
}

Result<Json> SendAsKeeper::prove(const Json& request) {
    const std::string code = request.value("code", "");
    const std::string login = request.value("login", "");
    auto found = login.empty() ? deps_.store.send_as().find_by_code(account::code_digest(code))
                               : deps_.store.send_as().find(login, request.value("address", ""));
    if (!found) {
        return fail(found.error());
    }
    const bool before = account::is_proven(*found);
    const Status proven = account::prove(*found, code, now());
    if (!before) {
        if (const Status kept = deps_.store.send_as().put(*found); !kept) {
            return fail(kept.error());
        }
        record(*found, proven ? "proven by its code" : "not proven: " + proven.error().message);
    }
    if (!proven) {
        return fail(proven.error());
    }
    Json out = to_json(*found);
    out["text"] = found->login + " may send as " + found->address;
    return out;
}

// What a code would prove, to be shown before it does.
Result<Json> SendAsKeeper::claim(const std::string& code) {
    const auto found = deps_.store.send_as().find_by_code(account::code_digest(code));
    if (!found) {
        return fail(found.error());
    }
    if (found->code_expires <= now()) {
        return fail(Errc::Denied, "the code has expired; ask for a new one");
    }
    return to_json(*found);
}

}  // namespace sekisho::cli
