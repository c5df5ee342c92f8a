#include "desk/lookup.h"

#include "base/bytes.h"
#include "desk/facts.h"
#include "desk/json.h"
#include "desk/trace.h"
#include "lease/lease.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sekisho::desk {
namespace {

constexpr std::size_t kRowsPerKey = 200;
constexpr std::size_t kEventsShown = 300;
constexpr std::size_t kSessionsShown = 20;
constexpr std::size_t kMessagesShown = 20;
constexpr std::size_t kLeasesLooked = 10'000;
constexpr std::chrono::hours kDay{24};

// Gathers what is known, step by step; every step may add keys for the next.
class Gathering {
  public:
    Gathering(const Context& context, Time at) : context_(context), at_(at) {}

    Status address(const IpAddress& address) {
        const auto holders = context_.lines.holders(address, at_);
        if (!holders) {
            return fail(holders.error());
        }
        const line::Answer who = line::resolve(*holders, address, at_);
        DeskFacts facts{context_};
        addresses_.push_back(address);
        answer_["address"] = {
            {"address", address.text()},
            {"holder", to_json(who)},
            {"standing", to_json(facts.standing(address))}
        };
        event::Query query;
        query.address = address.text();
        // An address is this subscriber's only while the session lasts.
        for (const line::Session& session : *holders) {
            query.since = std::max(query.since.value_or(session.start), session.start);
            if (session.end) {
                query.until = std::min(query.until.value_or(*session.end), *session.end);
            }
        }
        if (const auto added = events(std::move(query)); !added) {
            return fail(added.error());
        }
        return who.certainty == line::Certainty::Subscriber ? line(who.line) : Status{};
    }

    Status line(const std::string& name) {
        if (!lines_.insert(name).second) {
            return {};
        }
        const auto sessions = context_.lines.sessions_of(name, kSessionsShown);
        if (!sessions) {
            return fail(sessions.error());
        }
        const auto all = context_.accounts.list();
        if (!all) {
            return fail(all.error());
        }
        event::Query query;
        query.line = name;
        const auto rows = events(std::move(query));
        if (!rows) {
            return fail(rows.error());
        }
        const auto of_line = [&](const account::Account& a) { return a.line == name; };
        if (sessions->empty() && *rows == 0 && std::ranges::none_of(*all, of_line)) {
            return {};  // no such line
        }
        found_ = true;
        answer_["lines"].push_back(describe(name, *sessions));
        for (const line::Session& session : *sessions) {
            for (const Prefix& prefix : session.prefixes) {
                if (!session.end) {
                    addresses_.push_back(prefix.address());
                }
            }
        }
        for (const account::Account& account : *all) {
            if (of_line(account)) {
                if (const Status added = this->account(account); !added) {
                    return added;
                }
            }
        }
        return {};
    }

    Status account(const account::Account& account) {
        if (!accounts_.insert(account.login).second) {
            return {};
        }
        found_ = true;
        answer_["accounts"].push_back(to_json(account));
        event::Query query;
        query.account = account.login;
        if (const auto added = events(std::move(query)); !added) {
            return fail(added.error());
        }
        return account.line.empty() ? Status{} : line(account.line);
    }

    Status login(const std::string& text) {
        const std::string name = to_lower(text);
        auto found = context_.accounts.find(name);
        if (!found && found.error().code == Errc::NotFound) {
            found = context_.accounts.find_by_address(name);
        }
        if (found) {
            return account(*found);
        }
        if (found.error().code != Errc::NotFound) {
            return fail(found.error());
        }
        // No account of ours: the address may still have been tried as a login or written to.
        event::Query tried;
        tried.account = name;
        event::Query received;
        received.recipient = name;
        for (event::Query* query : {&tried, &received}) {
            if (const auto added = events(std::move(*query)); !added) {
                return fail(added.error());
            }
        }
        return {};
    }

    Status reference(const std::string& number) {
        event::Query query;
        query.reference = number;
        query.limit = kRowsPerKey;
        const auto rows = context_.journal.find(query);
        if (!rows) {
            return fail(rows.error());
        }
        for (const event::Event& row : *rows) {
            add(row);
            Status followed{};
            if (!row.account.empty()) {
                followed = login(row.account);
            } else if (!row.line.empty()) {
                followed = line(row.line);
            } else if (const auto from = IpAddress::parse(row.address)) {
                at_ = row.at;  // who held the address then
                followed = address(*from);
            }
            if (!followed) {
                return followed;
            }
        }
        return {};
    }

    [[nodiscard]] bool anything() const { return found_ || !events_.empty(); }

    [[nodiscard]] Json finish() {
        std::vector<event::Event> list;
        for (auto& [id, event] : events_) {
            list.push_back(std::move(event));
        }
        std::ranges::sort(list, std::greater{}, [](const event::Event& event) {
            return std::pair{event.at, event.id};
        });
        answer_["findings"] = findings(list);
        add_messages(list);
        add_conduct();
        add_exemptions();
        if (list.size() > kEventsShown) {
            list.resize(kEventsShown);
            answer_["cut"] = true;
        }
        answer_["events"] = to_json(list);
        return std::move(answer_);
    }

  private:
    void add(const event::Event& event) { events_.emplace(event.id, event); }

    // How many rows there were; rows that are there already count, too.
    Result<std::size_t> events(event::Query query) {
        query.limit = kRowsPerKey;
        const auto rows = context_.journal.find(query);
        if (!rows) {
            return fail(rows.error());
        }
        std::ranges::for_each(*rows, [this](const event::Event& event) { add(event); });
        return rows->size();
    }

    [[nodiscard]] Json describe(const std::string& name, const std::vector<line::Session>& sessions)
        const {
        Json list = Json::array();
        Json standings = Json::array();
        DeskFacts facts{context_};
        for (const line::Session& session : sessions) {
            list.push_back(to_json(session));
            if (session.end) {
                continue;
            }
            for (const Prefix& prefix : session.prefixes) {
                Json standing = to_json(facts.standing(prefix.address()));
                standing["prefix"] = prefix.text();
                standings.push_back(std::move(standing));
            }
        }
        return {{"line", name}, {"sessions", std::move(list)}, {"standings", std::move(standings)}};
    }

    // The messages that the events tell of, the newest first, each with all of its steps.
    void add_messages(const std::vector<event::Event>& list) {
        Json messages = Json::array();
        std::set<std::string> seen;
        for (const event::Event& event : list) {
            if (event.queue_id.empty() || messages.size() == kMessagesShown ||
                !seen.insert(event.queue_id).second) {
                continue;
            }
            event::Query query;
            query.queue_id = event.queue_id;
            query.newest_first = false;
            query.limit = kRowsPerKey;
            if (const auto steps = context_.journal.find(query)) {
                messages.push_back(message_of(event.queue_id, *steps));
            } else {
                unanswered("messages: " + steps.error().message);
            }
        }
        answer_["messages"] = std::move(messages);
    }

    // How the mail server treats each account, and what it has used of its limits.
    void add_conduct() {
        for (Json& one : answer_["lines"]) {
            const auto conduct = ask_role(
                context_.control, "mail", Json{{"command", "conduct-show"}, {"line", one["line"]}}
            );
            if (conduct) {  // the mail server may know no line of that name
                one["conduct"] = *conduct;
            }
        }
        for (Json& one : answer_["accounts"]) {
            const std::string login = one.value("login", "");
            const auto conduct = ask_role(
                context_.control, "mail", Json{{"command", "conduct-show"}, {"account", login}}
            );
            const auto limits = ask_role(
                context_.control, "mail", Json{{"command", "limit-show"}, {"subject", login}}
            );
            if (!conduct || !limits) {
                unanswered("conduct and limits: " + (conduct ? limits : conduct).error().message);
                return;
            }
            one["conduct"] = *conduct;
            one["limits"] = limits->value("uses", Json::array());
        }
    }

    // Leases of the lines and of the prefixes that hold or are held by theirs.
    void add_exemptions() {
        Json rows = Json::array();
        const auto all = context_.leases.all(kLeasesLooked);
        if (!all) {
            unanswered("exemptions: " + all.error().message);
            answer_["exemptions"] = std::move(rows);
            return;
        }
        for (const lease::Lease& one : *all) {
            const bool of_line = !one.line.empty() && lines_.contains(one.line);
            const bool of_address =
                one.prefix && std::ranges::any_of(addresses_, [&](const IpAddress& address) {
                    return one.prefix->contains(address);
                });
            if (of_line || of_address) {
                rows.push_back(to_json(one, context_.now));
            }
        }
        answer_["exemptions"] = std::move(rows);
    }

    void unanswered(const std::string& what) { answer_["unanswered"].push_back(what); }

    // What support should see first, the gravest first. `list` is newest first.
    [[nodiscard]] Json findings(const std::vector<event::Event>& list) const {
        struct Cause {
            event::Kind kind;
            const char* severity;
            const char* words;
        };
        static constexpr Cause kCauses[] = {
            {event::Kind::GateBlocked, "high", "Tries on port 25 blocked by the gate"},
            {event::Kind::GateAnswered, "high", "Connections to port 25 answered by the gate"},
            {event::Kind::LoginRefused, "high", "Logins refused"},
            {event::Kind::Bounced, "high", "Recipients bounced"},
            {event::Kind::Expired, "high", "Recipients given up, their time over"},
            {event::Kind::Refused, "high", "Commands or messages refused"},
            {event::Kind::Held, "middle", "Messages held"},
            {event::Kind::Deferred, "middle", "Delivery tries deferred"},
            {event::Kind::GateWouldBlock, "middle", "Tries on port 25 that will be blocked"},
            {event::Kind::Delivered, "low", "Recipients delivered"},
        };
        Json result = Json::array();
        for (const Json& account : answer_["accounts"]) {
            if (!account.value("enabled", true)) {
                result.push_back(
                    {{"severity", "high"},
                     {"text", "account " + account.value("login", "") + " is disabled"},
                     {"detail", account.value("disabled_reason", "")}}
                );
            }
        }
        for (const Cause& cause : kCauses) {
            std::int64_t count = 0;
            const event::Event* last = nullptr;
            for (const event::Event& event : list) {
                if (event.kind == cause.kind && event.at >= context_.now - kDay) {
                    count += event.count;
                    last = last == nullptr ? &event : last;
                }
            }
            if (last != nullptr) {
                result.push_back(
                    {{"severity", cause.severity},
                     {"text", fmt::format("{}: {} in the last 24 hours", cause.words, count)},
                     {"detail", last->detail},
                     {"at", rfc3339(last->at)},
                     {"kind", event::name(cause.kind)},
                     {"count", count}}
                );
            }
        }
        return result;
    }

    const Context& context_;
    Time at_;
    Json answer_{{"lines", Json::array()}, {"accounts", Json::array()}};
    std::set<std::string> lines_;
    std::set<std::string> accounts_;
    std::vector<IpAddress> addresses_;
    std::map<std::int64_t, event::Event> events_;
    bool found_ = false;
};

}  // namespace

Result<Json> line_at(const Context& context, const IpAddress& address, Time at) {
    const auto holders = context.lines.holders(address, at);
    if (!holders) {
        return fail(holders.error());
    }
    Json sessions = Json::array();
    for (const line::Session& session : *holders) {
        sessions.push_back(to_json(session));
    }
    DeskFacts facts{context};
    return Json{
        {"address", address.text()},
        {"at", rfc3339(at)},
        {"holder", to_json(line::resolve(*holders, address, at))},
        {"sessions", std::move(sessions)},
        {"standing", to_json(facts.standing(address))}
    };
}

Result<Json> subscriber(const Context& context, std::string_view input, Time at) {
    const std::string query{trim(input)};
    if (query.empty() || query.size() > 1000) {
        return fail(
            Errc::Invalid, "give an address, a mail address, a line, a reference or a Message-ID"
        );
    }
    if (query.starts_with('<')) {
        return trace(context, query);
    }
    Gathering gathering{context, at};
    std::string read_as = "address";
    Status done{};
    if (const auto address = IpAddress::parse(query)) {
        done = gathering.address(*address);
    } else if (query.contains('@')) {
        read_as = "account";
        done = gathering.login(query);
    } else {
        // A login without '@', a line, or a number that support was told.
        for (const char* kind : {"account", "line", "reference"}) {
            read_as = kind;
            if (read_as == "account") {
                done = gathering.login(query);
            } else {
                done = read_as == "line" ? gathering.line(query) : gathering.reference(query);
            }
            if (!done || gathering.anything()) {
                break;
            }
        }
    }
    if (!done) {
        return fail(done.error());
    }
    if (read_as != "address" && !gathering.anything()) {
        // A Message-ID without its angle brackets has an '@', too.
        return trace(context, query);
    }
    Json answer = gathering.finish();
    answer["query"] = query;
    answer["read_as"] = read_as;
    answer["at"] = rfc3339(at);
    return answer;
}

}  // namespace sekisho::desk
