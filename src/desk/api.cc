#include "desk/api.h"

#include "account/digest.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "desk/access.h"
#include "desk/audit_api.h"
#include "desk/check.h"
#include "desk/json.h"
#include "desk/routes.h"
#include "net/http_target.h"
#include "staff/roles.h"
#include "staff/staff.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::desk {
namespace {

constexpr std::size_t kReasonMax = 500;
constexpr std::size_t kKeyMax = 200;
constexpr std::chrono::hours kAnswersKept{24};

std::string header(const ApiRequest& request, const std::string& name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? "" : found->second;
}

ApiAnswer coded(int status, std::string_view title, std::string_view detail, const char* code) {
    ApiAnswer answer = problem(status, title, detail);
    answer.body["code"] = code;
    return answer;
}

// What the request is about, for the audit: everything but how much of it.
std::string subject_of(const Call& call) {
    std::string out;
    const auto add = [&out](std::string_view name, std::string_view value) {
        out += (out.empty() ? "" : " ") + std::string(name) + "=" + printable(value, 300);
    };
    for (const auto& [name, value] : call.path) {
        add(name, value);
    }
    for (const auto& [name, value] : call.request.query) {
        if (name != "limit" && name != "cursor" && name != "order") {
            add(name, value);
        }
    }
    for (const auto& [name, value] : call.body.items()) {
        if (name != "reason") {
            add(name, value.is_string() ? value.get<std::string>() : dump(value));
        }
    }
    return out;
}

std::string outcome_of(const ApiAnswer& answer) {
    return answer.status < 400
               ? "done"
               : fmt::format("{} {}", answer.status, answer.body.value("title", ""));
}

staff::AuditEntry entry_of(const Call& call, std::string outcome) {
    staff::AuditEntry entry;
    entry.who = call.who.name;
    entry.how = call.who.how;
    entry.address = call.request.peer;
    entry.action = call.route.operation;
    entry.subject = subject_of(call);
    entry.reason = call.reason;
    entry.outcome = std::move(outcome);
    return entry;
}

// In a header it is percent-encoded UTF-8, since header fields carry ASCII.
Result<std::string> reason_of(const ApiRequest& request, const Json& body) {
    std::string text;
    if (body.contains("reason")) {
        text = body["reason"].get<std::string>();
    } else if (const std::string coded = header(request, "sekisho-reason"); !coded.empty()) {
        const auto form = net::parse_form("reason=" + coded);
        if (!form || form->size() != 1) {
            return fail(Errc::Invalid, "Sekisho-Reason is percent-encoded UTF-8");
        }
        text = form->begin()->second;
    }
    text = trim(text);
    if (text.size() > kReasonMax || !is_utf8(text) || printable(text, kReasonMax) != text) {
        return fail(Errc::Invalid, "a reason is one line of at most 500 bytes");
    }
    return text;
}

// Empty: go on.
std::optional<ApiAnswer> not_permitted(const Call& call) {
    const Identity& who = call.who;
    if (call.route.changes() && !who.session.empty() &&
        !account::equal_in_constant_time(header(call.request, "sekisho-csrf"), who.csrf)) {
        return coded(
            403, "Not from here", "a write of a session repeats its token in Sekisho-Csrf", "csrf"
        );
    }
    if (call.route.roles.empty() || who.roles.meets(call.route.roles)) {
        return std::nullopt;
    }
    ApiAnswer answer = coded(
        403,
        "Not permitted",
        fmt::format(
            "this needs the role {}; {} has {}",
            call.route.roles.text(),
            who.name,
            who.roles.empty() ? "none" : who.roles.text()
        ),
        "role"
    );
    answer.body["needs"] = call.route.roles.names();
    if (const Status noted = note(call.context, entry_of(call, outcome_of(answer))); !noted) {
        return problem_of(noted.error());
    }
    return answer;
}

// Reads the body and the reason into the call. Empty: go on.
std::optional<ApiAnswer> not_sound(Call& call) {
    if (const Status sound = check_parameters(call.route, call.request.query, call.path); !sound) {
        return problem_of(sound.error());
    }
    if (!call.route.body.empty()) {
        const std::string type = header(call.request, "content-type");
        const std::string_view media = trim(split(type, ';').front());
        // Another site's page can't send this type without being asked first whether it may.
        const bool browser = call.route.open || !call.who.session.empty();
        if ((browser || !media.empty()) && !iequals(media, "application/json")) {
            return problem(415, "Unsupported media type", "a body is application/json");
        }
        call.body = Json::parse(call.request.body, nullptr, false);
        if (const Status sound = check_body(schema(call.route.body), call.body); !sound) {
            return problem_of(sound.error());
        }
    }
    if (call.route.reason == Reason::None) {
        return std::nullopt;
    }
    auto reason = reason_of(call.request, call.body);
    if (!reason) {
        return problem_of(reason.error());
    }
    if (reason->empty()) {
        return coded(
            400,
            "A reason is needed",
            "why? a ticket or a few words, in Sekisho-Reason or as \"reason\" of the body; it is "
            "kept in the audit",
            "reason"
        );
    }
    call.reason = std::move(*reason);
    return std::nullopt;
}

// Looks are noted before they are shown, and what is done before it is done.
ApiAnswer noted_and_done(const Call& call) {
    if (!call.route.audited()) {
        return call.route.handler(call);
    }
    if (!call.route.changes()) {
        ApiAnswer answer = call.route.handler(call);
        const Status noted = note(call.context, entry_of(call, outcome_of(answer)));
        return noted ? answer : problem_of(noted.error());
    }
    if (const Status noted = note(call.context, entry_of(call, "ordered")); !noted) {
        return problem_of(noted.error());
    }
    ApiAnswer answer = call.route.handler(call);
    if (answer.status >= 400) {
        static_cast<void>(note(call.context, entry_of(call, outcome_of(answer))));
    }
    return answer;
}

// RFC-to-be draft-ietf-httpapi-idempotency-key-header: the same key and request, the same answer.
ApiAnswer once(const Call& call) {
    const std::string key = header(call.request, "idempotency-key");
    if (!call.route.changes() || call.route.open || call.route.secret || key.empty()) {
        return noted_and_done(call);
    }
    if (key.size() > kKeyMax || printable(key, kKeyMax) != key) {
        return problem(400, "Bad request", "Idempotency-Key is one line of at most 200 bytes");
    }
    staff::Answered answered{
        call.who.name,
        key,
        sha256(call.request.method + " " + call.request.path + "\n" + call.request.body),
        0,
        "",
        call.context.now
    };
    static_cast<void>(call.context.staff.forget_answers(call.context.now - kAnswersKept));
    const auto before = call.context.staff.begin(answered);
    if (!before) {
        return problem_of(before.error());
    }
    if (const auto& known = *before) {
        if (known->request != answered.request) {
            return problem(422, "Another request", "this Idempotency-Key was of another request");
        }
        if (known->status == 0) {
            return problem(409, "Conflict", "the request with this Idempotency-Key is being done");
        }
        ApiAnswer answer{.status = known->status, .body = Json::parse(known->body), .headers = {}};
        answer.headers.emplace_back("Idempotency-Replayed", "true");
        return answer;
    }
    ApiAnswer answer = noted_and_done(call);
    answered.status = answer.status;
    answered.body = dump(answer.body);
    // What couldn't be done now may be tried again with the same key.
    static_cast<void>(
        answer.status >= 500 ? call.context.staff.abandon(answered)
                             : call.context.staff.finish(answered)
    );
    return answer;
}

std::string encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        out += plain ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    return out;
}

// RFC 8288: the same request with the cursor of the next page.
void add_next(const Call& call, ApiAnswer& answer) {
    if (answer.next.empty() || answer.status != 200) {
        return;
    }
    answer.body["next_cursor"] = answer.next;
    std::string target = "/api/v1" + call.request.path + "?";
    for (const auto& [name, value] : call.request.query) {
        if (name != "cursor") {
            target += encoded(name) + "=" + encoded(value) + "&";
        }
    }
    answer.headers.emplace_back(
        "Link", "<" + target + "cursor=" + encoded(answer.next) + ">; rel=\"next\""
    );
}

ApiAnswer nobody_asks(const Error& error) {
    if (error.code != Errc::Denied) {
        return problem_of(error);
    }
    ApiAnswer answer = coded(401, "Unauthorized", error.message, "signed-out");
    answer.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"sekisho\"");
    return answer;
}

}  // namespace

std::string Call::text(const std::string& name) const {
    if (const auto found = path.find(name); found != path.end()) {
        return found->second;
    }
    const auto found = request.query.find(name);
    return found == request.query.end() ? "" : found->second;
}

std::int64_t Call::number(const std::string& name, std::int64_t fallback) const {
    const std::string value = text(name);
    std::int64_t out = fallback;
    std::from_chars(value.data(), value.data() + value.size(), out);
    return out;
}

std::optional<Time> Call::time(const std::string& name) const {
    return parse_rfc3339(text(name));
}

std::string Call::by() const {
    return who.name + " at the desk";
}

ApiAnswer problem(int status, std::string_view title, std::string_view detail) {
    ApiAnswer answer;
    answer.status = status;
    answer.body =
        Json{{"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
    return answer;
}

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
    if (!result) {
        return problem_of(result.error());
    }
    ApiAnswer answer;
    answer.body = *result;
    return answer;
}

ApiAnswer too_many(Time until, Time now, std::string_view detail) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(until - now).count();
    ApiAnswer answer =
        problem(429, "Too many requests", fmt::format("{}; again in {} s", detail, seconds));
    answer.headers.emplace_back("Retry-After", std::to_string(seconds));
    return answer;
}

ApiAnswer answer_api(const Context& context, const ApiRequest& request) {
    const Found found = find_route(request.method, request.path);
    // Who has no business here learns nothing of what there is.
    Identity who;
    if (found.route == nullptr || !found.route->open) {
        auto identity = context.access.identify(context, request);
        if (!identity) {
            return nobody_asks(identity.error());
        }
        who = std::move(*identity);
        if (const auto until = context.access.too_often(who, context.now)) {
            return too_many(*until, context.now, "too many requests");
        }
    }
    if (found.route == nullptr) {
        if (found.allow.empty()) {
            return problem(404, "Not found", "no such resource");
        }
        ApiAnswer answer = problem(405, "Method not allowed", "allowed: " + found.allow);
        answer.headers.emplace_back("Allow", found.allow);
        return answer;
    }
    Call call{context, request, *found.route, who, found.path, Json::object(), ""};
    if (auto refused = not_permitted(call)) {
        return std::move(*refused);
    }
    if (auto refused = not_sound(call)) {
        return std::move(*refused);
    }
    ApiAnswer answer = once(call);
    add_next(call, answer);
    return answer;
}

}  // namespace sekisho::desk
