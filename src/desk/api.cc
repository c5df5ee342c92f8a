#include "desk/api.h"

#include "base/bytes.h"
#include "base/log.h"
#include "desk/json.h"
#include "desk/lookup.h"
#include "desk/my.h"
#include "desk/queue_api.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>

namespace sekisho::desk {
namespace {

using Parameters = std::map<std::string, std::string>;

ApiAnswer problem_of(const Error& error) {
    switch (error.code) {
        case Errc::Invalid:
            return problem(400, "Bad request", error.message);
        case Errc::NotFound:
            return problem(404, "Not found", error.message);
        case Errc::Conflict:
            return problem(409, "Conflict", error.message);
        case Errc::Denied:
            return problem(403, "Not permitted", error.message);
        default:
            return problem(503, "Unavailable", error.message);
    }
}

ApiAnswer answered(const Result<Json>& result) {
    return result ? ApiAnswer{.status = 200, .body = *result, .allow = ""}
                  : problem_of(result.error());
}

std::string parameter(const Parameters& query, const std::string& name) {
    const auto found = query.find(name);
    return found == query.end() ? "" : found->second;
}

Result<std::optional<Time>> time_parameter(const Parameters& query, const std::string& name) {
    const std::string text = parameter(query, name);
    if (text.empty()) {
        return std::nullopt;
    }
    const auto at = parse_rfc3339(text);
    if (!at) {
        return fail(Errc::Invalid, name + " is no RFC 3339 time: " + printable(text));
    }
    return at;
}

Result<std::optional<std::int64_t>> number_parameter(
    const Parameters& query, const std::string& name, std::int64_t least, std::int64_t most
) {
    const std::string text = parameter(query, name);
    if (text.empty()) {
        return std::nullopt;
    }
    std::int64_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
        return fail(Errc::Invalid, name + " is no number in range: " + printable(text));
    }
    return value;
}

// Every part of the query string must be known: a mistyped filter would show too much.
Result<event::Query> event_query(const Parameters& parameters) {
    event::Query query;
    const std::pair<const char*, std::optional<std::string> event::Query::*> texts[] = {
        {"address", &event::Query::address},
        {"line", &event::Query::line},
        {"account", &event::Query::account},
        {"queue_id", &event::Query::queue_id},
        {"message_id", &event::Query::message_id},
        {"recipient", &event::Query::recipient},
        {"reference", &event::Query::reference},
    };
    for (const auto& [name, value] : parameters) {
        const auto* const text =
            std::ranges::find(texts, name, [](const auto& t) { return std::string(t.first); });
        if (text != std::end(texts)) {
            query.*(text->second) = value;
        } else if (name == "kind") {
            for (const std::string_view part : split(value, ',')) {
                const auto kind = event::parse_kind(trim(part));
                if (!kind) {
                    return fail(Errc::Invalid, "unknown kind " + printable(part));
                }
                query.kinds.push_back(*kind);
            }
        } else if (name != "since" && name != "until" && name != "before_id" && name != "limit" &&
                   name != "order") {
            return fail(Errc::Invalid, "unknown parameter " + printable(name));
        }
    }
    const auto since = time_parameter(parameters, "since");
    const auto until = time_parameter(parameters, "until");
    const auto before = number_parameter(parameters, "before_id", 1, INT64_MAX);
    const auto limit = number_parameter(parameters, "limit", 1, 1000);
    for (const Error* error :
         {since ? nullptr : &since.error(),
          until ? nullptr : &until.error(),
          before ? nullptr : &before.error(),
          limit ? nullptr : &limit.error()}) {
        if (error != nullptr) {
            return fail(*error);
        }
    }
    query.since = *since;
    query.until = *until;
    query.before_id = *before;
    query.limit = static_cast<std::size_t>(limit->value_or(100));
    query.newest_first = parameter(parameters, "order") != "oldest";
    return query;
}

class Api {
  public:
    Api(const Context& context, const ApiRequest& request) : context_(context), request_(request) {}

    [[nodiscard]] ApiAnswer answer() const {
        const auto parts = split(std::string_view{request_.path}.substr(1), '/');
        if (parts.size() == 3 && parts[0] == "queue") {
            return request_.method == "POST" ? queue_action(parts[1], parts[2]) : only("POST");
        }
        if (parts.size() == 3 && parts[0] == "accounts" && parts[2] == "link") {
            return request_.method == "POST" ? account_link(std::string(parts[1])) : only("POST");
        }
        if (parts[0] == "queue") {
            return queue(parts.size() == 2 ? parts[1] : "");
        }
        using Handler = ApiAnswer (Api::*)() const;
        static constexpr std::pair<std::string_view, Handler> kRoutes[] = {
            {"/status", &Api::status},
            {"/events", &Api::events},
            {"/trace", &Api::message},
            {"/accounts", &Api::accounts},
            {"/gate/status", &Api::gate_status},
            {"/gate/explain", &Api::gate_explain},
            {"/line", &Api::line},
            {"/subscriber", &Api::one_subscriber},
        };
        for (const auto& [path, handler] : kRoutes) {
            if (path == request_.path) {
                return request_.method == "GET" || request_.method == "HEAD" ? (this->*handler)()
                                                                             : only("GET, HEAD");
            }
        }
        return problem(404, "Not found", "no such resource");
    }

  private:
    [[nodiscard]] static ApiAnswer only(std::string allow) {
        ApiAnswer answer = problem(405, "Method not allowed", "allowed: " + allow);
        answer.allow = std::move(allow);
        return answer;
    }

    [[nodiscard]] std::string query(const std::string& name) const {
        return parameter(request_.query, name);
    }

    // Every look at a person's data leaves a line in the log.
    void note_lookup(std::string_view what, const std::string& key) const {
        log::info(
            "DESK_LOOKUP",
            "an operator looked somebody up",
            {{"what", what}, {"key", printable(key)}, {"peer", request_.peer}}
        );
    }

    [[nodiscard]] ApiAnswer status() const {
        Json roles = Json::object();
        for (const char* role : {"gate", "mail"}) {
            const auto found = ask_role(context_.control, role, Json{{"command", "status"}});
            roles[role] = found ? Json{{"up", true}, {"status", *found}}
                                : Json{{"up", false}, {"error", found.error().message}};
        }
        Json totals = Json::object();
        const auto counted = context_.journal.totals(context_.now - std::chrono::hours{24});
        if (counted) {
            for (const auto& [kind, count] : *counted) {
                totals[std::string(event::name(kind))] = count;
            }
        }
        const policy::Policy& policy = *context_.snapshot.policy;
        Json classes = Json::array();
        for (const policy::Class& item : policy.classes()) {
            classes.push_back(
                {{"name", item.name}, {"note", item.note}, {"prefixes", item.prefixes}}
            );
        }
        Json rules = Json::array();
        for (const policy::RuleSource& rule : policy.rules()) {
            rules.push_back(
                {{"name", rule.name},
                 {"from", rule.from},
                 {"to", rule.to},
                 {"action", policy::name(rule.action)},
                 {"stage", policy::name(rule.stage)},
                 {"note", rule.note}}
            );
        }
        Json body{
            {"version", SEKISHO_VERSION},
            {"provider", context_.snapshot.config.provider.name},
            {"now", rfc3339(context_.now)},
            {"started", rfc3339(context_.started)},
            {"roles", std::move(roles)},
            {"events_24h", std::move(totals)},
            {"journal_up", counted.has_value()},
            {"policy",
             {{"digest", policy.digest()},
              {"classes", std::move(classes)},
              {"rules", std::move(rules)}}}
        };
        return {.status = 200, .body = std::move(body), .allow = ""};
    }

    [[nodiscard]] ApiAnswer events() const {
        const auto wanted = event_query(request_.query);
        if (!wanted) {
            return problem_of(wanted.error());
        }
        const auto found = context_.journal.find(*wanted);
        if (!found) {
            return problem_of(found.error());
        }
        note_lookup("events", dump(Json(request_.query)));
        Json body{{"events", to_json(*found)}};
        if (found->size() == wanted->limit && wanted->newest_first) {
            body["next_before_id"] = found->back().id;
        }
        return {.status = 200, .body = std::move(body), .allow = ""};
    }

    [[nodiscard]] ApiAnswer message() const {
        note_lookup("trace", query("id"));
        return answered(trace(context_, query("id")));
    }

    [[nodiscard]] ApiAnswer accounts() const {
        const auto all = context_.accounts.list();
        if (!all) {
            return problem_of(all.error());
        }
        Json list = Json::array();
        for (const account::Account& account : *all) {
            list.push_back(to_json(account));
        }
        return {.status = 200, .body = {{"accounts", std::move(list)}}, .allow = ""};
    }

    // The list, and what is about many messages.
    [[nodiscard]] ApiAnswer queue(std::string_view what) const {
        const QueueCall call = queue_call(what);
        if (!call.changes && !call.reads) {
            return problem(404, "Not found", "no such resource");
        }
        if (call.changes ? request_.method != "POST"
                         : request_.method != "GET" && request_.method != "HEAD") {
            return only(call.changes ? "POST" : "GET, HEAD");
        }
        const auto asked =
            call.changes ? queue_order(what, request_) : queue_question(what, request_);
        if (!asked) {
            return problem_of(asked.error());
        }
        if (call.changes) {
            log::info(
                "DESK_QUEUE_ACTION",
                "an operator acted on the queue",
                {{"request", printable(asked->dump(), 1000)}, {"peer", request_.peer}}
            );
        }
        return answered(ask_role(context_.control, "mail", *asked));
    }

    [[nodiscard]] ApiAnswer queue_action(std::string_view id, std::string_view action) const {
        if (action != "retry" && action != "hold" && action != "release" && action != "drop") {
            return problem(404, "Not found", "actions: retry, hold, release, drop");
        }
        const Json body = Json::parse(request_.body, nullptr, false);
        const std::string reason =
            body.is_object() && body.contains("reason") && body["reason"].is_string()
                ? body["reason"].get<std::string>()
                : "";
        if (reason.empty() && (action == "hold" || action == "drop")) {
            return problem(400, "Bad request", "a reason is needed: {\"reason\": \"...\"}");
        }
        log::info(
            "DESK_QUEUE_ACTION",
            "an operator acted on a queued message",
            {{"queue_id", printable(id)},
             {"action", action},
             {"reason", printable(reason)},
             {"peer", request_.peer}}
        );
        return answered(ask_role(
            context_.control,
            "mail",
            Json{
                {"command", "queue-" + std::string(action)},
                {"queue_id", id},
                {"reason", reason},
                {"who", "desk " + request_.peer}
            }
        ));
    }

    // Lets the subscriber in without the password, so it is an act, and recorded.
    [[nodiscard]] ApiAnswer account_link(const std::string& login) const {
        if (context_.sessions == nullptr) {
            return problem(503, "Unavailable", "nobody can sign in here");
        }
        const auto link = make_link(
            context_.snapshot.config,
            context_.accounts,
            *context_.sessions,
            context_.journal,
            login,
            "desk " + request_.peer,
            context_.now
        );
        if (!link) {
            return problem_of(link.error());
        }
        return {
            .status = 200,
            .body =
                {{"login", login},
                 {"link", *link},
                 {"expires", rfc3339(context_.now + session::kLinkLife)}},
            .allow = ""
        };
    }

    [[nodiscard]] ApiAnswer gate_status() const {
        return answered(ask_role(context_.control, "gate", Json{{"command", "status"}}));
    }

    // The running gate answers when it can; else the same policy, as this process holds it.
    [[nodiscard]] ApiAnswer gate_explain() const {
        const auto source = IpAddress::parse(query("source"));
        const auto destination = IpAddress::parse(query("destination"));
        if (!source || !destination) {
            return problem(400, "Bad request", "source and destination must be IP addresses");
        }
        const auto live = ask_role(
            context_.control,
            "gate",
            Json{
                {"command", "explain"},
                {"source", source->text()},
                {"destination", destination->text()}
            }
        );
        const policy::Policy& policy = *context_.snapshot.policy;
        Json body{
            {"source", source->text()},
            {"destination", destination->text()},
            {"lines", policy::explain(policy, *source, *destination)}
        };
        if (live) {
            body["gate"] = *live;
        } else {
            body["gate_error"] = live.error().message;
        }
        return {.status = 200, .body = std::move(body), .allow = ""};
    }

    [[nodiscard]] ApiAnswer line() const {
        const auto address = IpAddress::parse(query("address"));
        const auto at = time_parameter(request_.query, "at");
        if (!address) {
            return problem(400, "Bad request", "address must be an IP address");
        }
        if (!at) {
            return problem_of(at.error());
        }
        note_lookup("line", address->text());
        return answered(line_at(context_, *address, at->value_or(context_.now)));
    }

    [[nodiscard]] ApiAnswer one_subscriber() const {
        const auto at = time_parameter(request_.query, "at");
        if (!at) {
            return problem_of(at.error());
        }
        note_lookup("subscriber", query("q"));
        return answered(subscriber(context_, query("q"), at->value_or(context_.now)));
    }

    const Context& context_;
    const ApiRequest& request_;
};

}  // namespace

ApiAnswer problem(int status, std::string_view title, std::string_view detail) {
    return {
        .status = status,
        .body = {{"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}},
        .allow = ""
    };
}

ApiAnswer answer_api(const Context& context, const ApiRequest& request) {
    if (request.path.empty() || request.path.front() != '/') {
        return problem(404, "Not found", "no such resource");
    }
    return Api{context, request}.answer();
}

}  // namespace sekisho::desk
