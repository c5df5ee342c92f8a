// For tests and tests/web: stores in memory, and a small world with one of everything.
#pragma once

#include "account/account.h"
#include "event/event.h"
#include "line/line.h"
#include "policy/policy.h"
#include "session/session.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::desk::fake {

class MemoryAccounts final : public account::AccountStore {
  public:
    Result<account::Account> find(std::string_view login) override {
        return first([&](const auto& a) { return a.login == login; });
    }
    Result<account::Account> find_by_address(std::string_view address) override {
        return first([&](const auto& a) {
            return std::ranges::find(a.addresses, address) != a.addresses.end();
        });
    }
    Result<std::vector<account::Account>> list() override {
        if (broken) {
            return fail(Errc::Unavailable, "accounts are away");
        }
        return accounts;
    }
    Status add(const account::Account& account) override {
        accounts.push_back(account);
        return {};
    }
    Status update(const account::Account& /*account*/) override {
        return fail(Errc::NotFound, "fixed");
    }
    Status remove(std::string_view /*login*/) override { return fail(Errc::NotFound, "fixed"); }
    Result<account::BatchResult> add_all(
        std::span<const account::Account> /*accounts*/, const account::BatchOptions& /*options*/
    ) override {
        return fail(Errc::Unavailable, "fixed");
    }
    Status replace_credential(
        std::string_view login, std::string_view before, const account::Credential& credential
    ) override {
        account::Account* found = at(login);
        if (found == nullptr || found->credential.hash != before) {
            return fail(Errc::Conflict, "another by now");
        }
        found->credential = credential;
        return {};
    }
    Status set_time_zone(std::string_view login, std::string_view zone) override {
        account::Account* found = at(login);
        if (found == nullptr) {
            return fail(Errc::NotFound, "no such account");
        }
        found->time_zone = zone;
        return {};
    }
    Status set_stays_home(std::string_view login, bool stays_home) override {
        account::Account* found = at(login);
        if (found == nullptr) {
            return fail(Errc::NotFound, "no such account");
        }
        found->stays_home = stays_home;
        return {};
    }
    Status add_app_password(std::string_view login, const account::AppPassword& password) override {
        account::Account* found = at(login);
        if (found == nullptr) {
            return fail(Errc::NotFound, "no such account");
        }
        auto& all = found->app_passwords;
        if (std::ranges::find(all, password.name, &account::AppPassword::name) != all.end()) {
            return fail(Errc::Conflict, "taken");
        }
        all.push_back(password);
        return {};
    }
    Status remove_app_password(std::string_view login, std::string_view name) override {
        account::Account* found = at(login);
        const auto gone =
            found == nullptr ? 0 : std::erase_if(found->app_passwords, [&](const auto& one) {
                return one.name == name;
            });
        return gone > 0 ? Status{} : fail(Errc::NotFound, "no such app password");
    }
    Status app_password_used(
        std::string_view /*login*/,
        std::string_view /*name*/,
        Time /*at*/,
        std::string_view /*address*/
    ) override {
        return fail(Errc::NotFound, "fixed");
    }

    std::vector<account::Account> accounts;
    bool broken = false;

  private:
    account::Account* at(std::string_view login) {
        const auto found = std::ranges::find(accounts, login, &account::Account::login);
        return found == accounts.end() ? nullptr : &*found;
    }

    template <class Is>
    Result<account::Account> first(Is is) {
        const auto found = std::ranges::find_if(accounts, is);
        if (found == accounts.end()) {
            return fail(Errc::NotFound, "no such account");
        }
        return *found;
    }
};

class MemorySessions final : public session::SessionStore {
  public:
    Status put(std::string_view digest, const session::Session& session) override {
        const std::scoped_lock lock{mutex};
        sessions.insert_or_assign(std::string(digest), session);
        return {};
    }
    Result<std::optional<session::Session>> find(std::string_view digest) override {
        const std::scoped_lock lock{mutex};
        const auto found = sessions.find(digest);
        return found == sessions.end() ? std::nullopt : std::optional{found->second};
    }
    Status seen(std::string_view digest, Time at) override {
        const std::scoped_lock lock{mutex};
        if (const auto found = sessions.find(digest); found != sessions.end()) {
            found->second.seen = at;
        }
        return {};
    }
    Status end(std::string_view digest) override {
        const std::scoped_lock lock{mutex};
        sessions.erase(std::string(digest));
        return {};
    }
    Result<std::int64_t> end_all(std::string_view login) override {
        const std::scoped_lock lock{mutex};
        std::erase_if(links, [&](const auto& one) { return one.second.login == login; });
        return static_cast<std::int64_t>(std::erase_if(sessions, [&](const auto& one) {
            return one.second.login == login;
        }));
    }
    Status put_link(std::string_view digest, const session::Link& link) override {
        const std::scoped_lock lock{mutex};
        links.insert_or_assign(std::string(digest), link);
        return {};
    }
    Result<std::optional<session::Link>> find_link(std::string_view digest) override {
        const std::scoped_lock lock{mutex};
        const auto found = links.find(digest);
        return found == links.end() ? std::nullopt : std::optional{found->second};
    }
    Result<std::optional<session::Link>> take_link(std::string_view digest) override {
        auto found = find_link(digest);
        const std::scoped_lock lock{mutex};
        links.erase(std::string(digest));
        return found;
    }

    std::mutex mutex;
    std::map<std::string, session::Session, std::less<>> sessions;
    std::map<std::string, session::Link, std::less<>> links;
};

class MemoryLines final : public line::LineStore {
  public:
    Status put(const line::Session& session) override {
        sessions.push_back(session);
        return {};
    }
    Status stop(const std::string& /*nas*/, const std::string& /*id*/, Time /*at*/) override {
        return {};
    }
    Status stop_all(const std::string& /*nas*/, Time /*at*/) override { return {}; }
    using LineStore::holders;
    Result<std::vector<line::Session>> holders(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port
    ) override {
        std::vector<line::Session> found;
        for (const auto& session : sessions) {
            const bool holds = std::ranges::any_of(session.prefixes, [&](const Prefix& prefix) {
                return prefix.contains(address) && session.uses(prefix, port);
            });
            if (holds && session.start <= at && (!session.end || *session.end > at)) {
                found.push_back(session);
            }
        }
        return found;
    }
    Status each_open(const std::function<void(const line::Session&)>& visit) override {
        for (const auto& session : sessions) {
            if (!session.end) {
                visit(session);
            }
        }
        return {};
    }
    Result<std::vector<line::Session>> sessions_of(const std::string& line, std::size_t limit)
        override {
        std::vector<line::Session> found;
        for (const auto& session : sessions) {
            if (session.line == line && found.size() < limit) {
                found.push_back(session);
            }
        }
        return found;
    }
    Result<std::vector<line::Session>> open_on(const std::string& /*nas*/) override { return {}; }
    Result<std::vector<std::string>> open_nas() override { return std::vector<std::string>{}; }
    Result<bool> knows(const std::string& /*nas*/) override { return false; }

    std::vector<line::Session> sessions;
};

class MemoryJournal final : public event::Journal {
  public:
    void append(event::Event event) override {
        event.id = static_cast<std::int64_t>(events.size()) + 1;
        events.push_back(std::move(event));
    }
    Status flush() override { return {}; }
    Result<std::vector<event::Event>> find(const event::Query& query) override {
        if (broken) {
            return fail(Errc::Unavailable, "the journal is away");
        }
        std::vector<event::Event> found;
        for (const event::Event& event : events) {
            if (matches(event, query)) {
                found.push_back(event);
            }
        }
        if (query.newest_first) {
            std::ranges::reverse(found);
        }
        if (found.size() > query.limit) {
            found.resize(query.limit);
        }
        return found;
    }
    Result<std::vector<std::pair<event::Kind, std::int64_t>>> totals(Time since) override {
        if (broken) {
            return fail(Errc::Unavailable, "the journal is away");
        }
        std::map<event::Kind, std::int64_t> sums;
        for (const event::Event& event : events) {
            if (event.at >= since) {
                sums[event.kind] += event.count;
            }
        }
        return std::vector<std::pair<event::Kind, std::int64_t>>(sums.begin(), sums.end());
    }

    std::vector<event::Event> events;
    bool broken = false;

  private:
    static bool matches(const event::Event& e, const event::Query& q) {
        const auto same = [](const std::optional<std::string>& wanted, const std::string& value) {
            return !wanted || *wanted == value;
        };
        return same(q.address, e.address) && same(q.line, e.line) && same(q.account, e.account) &&
               same(q.queue_id, e.queue_id) && same(q.message_id, e.message_id) &&
               same(q.recipient, e.recipient) && same(q.reference, e.reference) &&
               (q.kinds.empty() || std::ranges::find(q.kinds, e.kind) != q.kinds.end()) &&
               (!q.since || e.at >= *q.since) && (!q.until || e.at <= *q.until) &&
               (!q.before_id || e.id < *q.before_id);
    }
};

inline policy::Source sample_policy() {
    const auto prefixes = [](std::initializer_list<const char*> texts) {
        std::vector<Prefix> list;
        for (const char* text : texts) {
            list.push_back(Prefix::parse(text).value());
        }
        return list;
    };
    policy::Source source;
    source.classes = {
        {"subscribers", "dynamic lines", prefixes({"198.51.100.0/24", "2001:db8:100::/40"}), "t:1"},
        {"static", "fixed addresses", prefixes({"198.51.100.240/28"}), "t:2"},
        {"roaming", "carrier lines", prefixes({"203.0.113.0/25"}), "t:3"},
        {"trial", "", prefixes({"203.0.113.128/26"}), "t:4"},
        {"exchange", "our MX", prefixes({"192.0.2.25/32"}), "t:5"},
    };
    using policy::Action;
    using policy::Stage;
    source.rules = {
        {"op25b", "subscribers", "outside", Action::Refuse, Stage::Enforce, "OP25B", "t:10"},
        {"op25b-us", "subscribers", "exchange", Action::Refuse, Stage::Enforce, "OP25B", "t:11"},
        {"op25b-roaming", "roaming", "*", Action::Drop, Stage::Enforce, "wholesale", "t:12"},
        {"op25b-trial", "trial", "outside", Action::Refuse, Stage::Notify, "from January", "t:13"},
    };
    return source;
}

// Fills the stores with two days in the life of line "L-0042" around `now`.
inline void fill_world(
    MemoryAccounts& accounts, MemoryLines& lines, MemoryJournal& journal, Time now
) {
    using event::Event;
    using event::Kind;
    using std::chrono::hours;
    using std::chrono::minutes;
    account::Account taro;
    taro.login = "taro@tokai.example";
    taro.name = "東海 太郎";
    taro.addresses = {"taro@tokai.example", "t.tokai@tokai.example"};
    taro.line = "L-0042";
    taro.credential.hash = "$argon2id$SECRET";
    taro.created = taro.changed = now - hours{24 * 30};
    accounts.accounts = {taro};

    lines.sessions = {
        {"S1",
         "bras1",
         "L-0041",
         "",
         {Prefix::parse("198.51.100.7/32").value()},
         now - hours{30},
         now - hours{20},
         now - hours{20}},
        {"S2",
         "bras1",
         "L-0042",
         "",
         {Prefix::parse("198.51.100.7/32").value(), Prefix::parse("2001:db8:100:700::/56").value()},
         now - hours{19},
         std::nullopt,
         now - minutes{5}},
        {"S3",
         "bras1",
         "L-0050",
         "",
         {Prefix::parse("198.51.100.9/32").value()},
         now - hours{9},
         std::nullopt,
         now},
        {"S4",
         "bras1",
         "L-0051",
         "",
         {Prefix::parse("198.51.100.9/32").value()},
         now - hours{8},
         std::nullopt,
         now},
    };
    const auto add = [&](Event event) { journal.append(std::move(event)); };
    add({.at = now - hours{48}, .kind = Kind::PolicyChanged, .detail = "policy loaded"});
    add(
        {.at = now - hours{22},
         .kind = Kind::GateBlocked,
         .address = "198.51.100.7",
         .line = "L-0041",
         .rule = "op25b",
         .count = 900,
         .detail = "to 203.0.113.200"}
    );
    add(
        {.at = now - hours{3},
         .kind = Kind::GateBlocked,
         .address = "198.51.100.7",
         .line = "L-0042",
         .rule = "op25b",
         .count = 36,
         .detail = "to 203.0.113.200"}
    );
    add(
        {.at = now - hours{2},
         .kind = Kind::GateBlocked,
         .address = "198.51.100.7",
         .rule = "op25b",
         .count = 1,
         .detail = "to 203.0.113.201"}
    );
    add(
        {.at = now - minutes{95},
         .kind = Kind::LoginRefused,
         .address = "198.51.100.7",
         .line = "L-0042",
         .account = "taro@tokai.example",
         .detail = "wrong password"}
    );
    add(
        {.at = now - minutes{90},
         .kind = Kind::LoginAccepted,
         .address = "198.51.100.7",
         .line = "L-0042",
         .account = "taro@tokai.example",
         .detail = "PLAIN, TLSv1.3"}
    );
    add(
        {.at = now - minutes{89},
         .kind = Kind::Accepted,
         .address = "198.51.100.7",
         .line = "L-0042",
         .account = "taro@tokai.example",
         .queue_id = "Q7KX2",
         .message_id = "<m1@tokai.example>",
         .sender = "taro@tokai.example",
         .detail = "250 2.0.0 queued"}
    );
    add(
        {.at = now - minutes{88},
         .kind = Kind::Deferred,
         .account = "taro@tokai.example",
         .queue_id = "Q7KX2",
         .message_id = "<m1@tokai.example>",
         .sender = "taro@tokai.example",
         .recipient = "hanako@company.example",
         .detail = "451 4.7.1 greylisted"}
    );
    add(
        {.at = now - minutes{70},
         .kind = Kind::Delivered,
         .account = "taro@tokai.example",
         .queue_id = "Q7KX2",
         .message_id = "<m1@tokai.example>",
         .sender = "taro@tokai.example",
         .recipient = "hanako@company.example",
         .detail = "250 2.0.0 ok"}
    );
    add(
        {.at = now - minutes{60},
         .kind = Kind::Refused,
         .address = "198.51.100.7",
         .line = "L-0042",
         .sender = "taro@tokai.example",
         .rule = "exchange-only-servers",
         .detail = "550 5.7.1 use port 587",
         .reference = "K7-22Q"}
    );
}

}  // namespace sekisho::desk::fake
