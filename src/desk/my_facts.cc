#include "desk/my_facts.h"

#include "account/account.h"
#include "base/ip.h"
#include "base/time.h"
#include "desk/context.h"
#include "desk/facts.h"
#include "desk/trace.h"
#include "event/event.h"
#include "guide/my.h"
#include "limit/spec.h"
#include "line/line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::desk {
namespace {

constexpr std::size_t kMessagesShown = 15;
constexpr std::size_t kRecipientsShown = 40;
constexpr std::size_t kLoginsShown = 20;
constexpr std::size_t kRowsMax = 1000;
constexpr std::chrono::hours kDay{24};
constexpr std::chrono::hours kWeek{24 * 7};

std::optional<Time> time_of(const Json& object, const char* key) {
    return parse_rfc3339(object.value(key, ""));
}

std::optional<std::vector<guide::MySend>> sends_of(
    const Context& context, const std::string& login
) {
    event::Query query;
    query.account = login;
    query.kinds = {event::Kind::Accepted};
    const auto traced = trace_messages(context.journal, query, kMessagesShown);
    if (!traced) {
        return std::nullopt;
    }
    std::vector<guide::MySend> out;
    for (const Json& message : traced->messages) {
        const std::string whole = message.value("state", "");
        Json recipients = message.value("recipients", Json::array());
        if (recipients.empty()) {  // nothing was tried yet
            recipients.push_back({{"address", "–"}, {"state", "queued"}});
        }
        for (const Json& one : recipients) {
            if (out.size() == kRecipientsShown) {
                return out;
            }
            guide::MySend send;
            send.at = time_of(message, "accepted");
            send.sender = message.value("sender", "");
            send.recipient = one.value("address", "");
            send.state = one.value("state", "");
            const bool open = send.state == "queued" || send.state == "deferred";
            if (open && (whole == "held" || whole == "dropped")) {
                send.state = whole;
            }
            send.reply = one.value("reply", "");
            send.queue_id = message.value("queue_id", "");
            out.push_back(std::move(send));
        }
    }
    return out;
}

guide::MyLogin::Place place_of(
    const Context& context, const account::Account& account, const event::Event& row
) {
    const auto address = IpAddress::parse(row.address);
    if (!address) {
        return guide::MyLogin::Place::Outside;
    }
    if (!account.line.empty() && is_of_line(context, account.line, *address, row.at)) {
        return guide::MyLogin::Place::Line;
    }
    return DeskFacts{context}.standing(*address).outside ? guide::MyLogin::Place::Outside
                                                         : guide::MyLogin::Place::Ours;
}

std::optional<std::vector<guide::MyLogin>> logins_of(
    const Context& context, const account::Account& account
) {
    event::Query query;
    query.account = account.login;
    query.kinds = {event::Kind::LoginAccepted, event::Kind::LoginRefused};
    query.since = account.created;  // before, the name was somebody else's or nobody's
    query.limit = kLoginsShown;
    const auto rows = context.journal.find(query);
    if (!rows) {
        return std::nullopt;
    }
    constexpr std::string_view kWith = "with app password \"";
    std::vector<guide::MyLogin> out;
    for (const event::Event& row : *rows) {
        guide::MyLogin login;
        login.at = row.at;
        login.accepted = row.kind == event::Kind::LoginAccepted;
        login.address = row.address;
        login.place = place_of(context, account, row);
        login.page = row.detail.starts_with("my page");
        login.count = row.count;
        if (!login.accepted) {
            login.reason = reason_of(row.detail);
        } else if (const auto at = row.detail.find(kWith); at != std::string::npos) {
            login.app_password = row.detail.substr(at + kWith.size());
            if (login.app_password.ends_with('"')) {
                login.app_password.pop_back();
            }
        }
        out.push_back(std::move(login));
    }
    return out;
}

// Of the limits of an account alone, those of which nothing is used stand there as well.
void add_unused(const config::Config& config, std::vector<guide::MyUse>& uses) {
    const auto add = [&](const std::string& name, std::int64_t allowed) {
        if (allowed > 0 && std::ranges::find(uses, name, &guide::MyUse::limit) == uses.end()) {
            uses.push_back({name, 0, allowed, ""});
        }
    };
    for (const limit::Spec& one : config.limit) {
        const bool of_account = one.by.size() == 1 && one.by.front() == limit::By::Account;
        if (of_account && !one.shadow && one.counts != limit::Counts::FailedLogins) {
            const auto* const day = std::get_if<limit::Day>(&one.how);
            add(one.name, day != nullptr ? day->max : std::get<limit::Rate>(one.how).count);
        }
    }
    const auto replaced = [&](std::string_view name) {
        return std::ranges::find(config.limit, name, &limit::Spec::name) != config.limit.end();
    };
    if (!replaced("recipients_per_hour")) {
        add("recipients_per_hour", config.mail.recipients_per_hour);
    }
    if (!replaced("recipients_per_day")) {
        add("recipients_per_day", config.mail.recipients_per_day);
    }
}

std::optional<std::vector<guide::MyUse>> uses_of(
    const Context& context, const account::Account& account
) {
    const auto answer = ask_role(
        context.control, "mail", Json{{"command", "limit-show"}, {"subject", account.login}}
    );
    if (!answer) {
        return std::nullopt;
    }
    std::vector<guide::MyUse> out;
    for (const Json& one : answer->value("uses", Json::array())) {
        // Limits that count other things as well would show what others have used.
        if (one.value("key", "") == account.login && one.value("used", 0) > 0) {
            out.push_back(
                {one.value("limit", ""),
                 one.value("used", std::int64_t{0}),
                 one.value("allowed", std::int64_t{0}),
                 one.value("reset", "")}
            );
        }
    }
    add_unused(context.snapshot.config, out);
    return out;
}

// Counts only: to whom a machine of the line tried to send is not the account's business when
// several share the line.
std::optional<guide::MyBlocked> blocked_of(
    const Context& context, const account::Account& account
) {
    if (account.line.empty()) {
        return std::nullopt;
    }
    event::Query query;
    query.line = account.line;
    query.kinds = {event::Kind::GateBlocked, event::Kind::GateAnswered};
    query.since = std::max(Time{context.now - kWeek}, account.created);
    query.limit = kRowsMax;
    const auto rows = context.journal.find(query);
    if (!rows) {
        return std::nullopt;
    }
    guide::MyBlocked out;
    for (const event::Event& row : *rows) {
        out.week += row.count;
        out.day += row.at >= context.now - kDay ? row.count : 0;
        out.last = std::max(out.last.value_or(row.at), row.at);
    }
    return out;
}

std::optional<Time> unless_zero(Time time) {
    return time == Time{} ? std::nullopt : std::optional{time};
}

}  // namespace

bool is_of_line(
    const Context& context, const std::string& line, const IpAddress& address, Time at
) {
    const auto holders = context.lines.holders(address, at);
    if (!holders) {
        return false;
    }
    const line::Answer who = line::resolve(*holders, address, at);
    return who.certainty == line::Certainty::Subscriber && who.line == line;
}

std::string reason_of(std::string_view detail) {
    // The words of account::name(SaslRefusal), behind a mechanism's name or "my page".
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kWords{{
        {" app-password", "app-password"},
        {" wrong-password", "password"},
        {" unknown-user", "password"},
        {" no-scram-keys", "password"},
        {" limit", "limit"},
        {" disabled", "disabled"},
        {" conduct", "conduct"},
    }};
    const std::string_view head = detail.substr(0, detail.find(':'));
    for (const auto& [word, reason] : kWords) {
        if (head.find(word) != std::string_view::npos) {
            return std::string(reason);
        }
    }
    return "other";
}

std::optional<guide::MyConduct> conduct_of(const Context& context, const std::string& login) {
    const auto answer =
        ask_role(context.control, "mail", Json{{"command", "conduct-show"}, {"account", login}});
    if (!answer) {
        return std::nullopt;
    }
    guide::MyConduct out;
    out.stage = answer->value("stage", "normal");
    out.reason = answer->value("reason", "");
    out.since = time_of(*answer, "since");
    return out;
}

namespace {

// Addresses that it has no mailbox for; none while the mail role can't be asked.
std::vector<guide::MyRight> rights_of(const Context& context, const std::string& login) {
    std::vector<guide::MyRight> out;
    const auto answer =
        ask_role(context.control, "mail", Json{{"command", "sendas-list"}, {"login", login}});
    const Json rights = answer ? answer->value("rights", Json::object()) : Json::object();
    for (const Json& one : rights.value("domains", Json::array())) {
        out.push_back({"@" + one.get<std::string>(), {}});
    }
    for (const Json& one : rights.value("aliases", Json::array())) {
        out.push_back({one.get<std::string>(), {}});
    }
    for (const Json& one : rights.value("delegated", Json::array())) {
        out.push_back({one.value("address", ""), one.value("owner", "")});
    }
    return out;
}

}  // namespace

void fill_devices(const account::Account& account, guide::MyAccount& out) {
    for (const account::AppPassword& one : account.app_passwords) {
        out.devices.push_back(
            {one.name,
             one.created,
             unless_zero(one.last_used),
             unless_zero(one.expires),
             one.last_address}
        );
    }
}

void fill_account(const Context& context, const account::Account& account, guide::MyAccount& out) {
    out.addresses = account.addresses;
    out.rights = rights_of(context, account.login);
    out.uses = uses_of(context, account);
    out.sends = sends_of(context, account.login);
    out.logins = logins_of(context, account);
    out.blocked = blocked_of(context, account);
}

}  // namespace sekisho::desk
