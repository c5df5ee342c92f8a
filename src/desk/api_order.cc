// What the mail role is asked for: its queue, its limits, how accounts are treated; and sessions.
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "desk/access.h"
#include "desk/api.h"
#include "desk/context.h"
#include "desk/handlers.h"
#include "desk/my.h"
#include "desk/routes.h"
#include "session/session.h"

#include <string>
#include <string_view>
#include <utility>

namespace sekisho::desk {
namespace {

ApiAnswer ask_mail(const Call& call, const Json& request) {
    return answered(ask_role(call.context.control, "mail", request));
}

// "/queue/drop" -> "drop"
std::string last_part(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace

ApiAnswer sign_in(const Call& call) {
    return call.context.access.sign_in(call.context, call.request, call.body);
}

ApiAnswer sign_out(const Call& call) {
    return call.context.access.sign_out(call.context, call.who);
}

ApiAnswer who_am_i(const Call& call) {
    ApiAnswer answer;
    answer.body =
        Json{{"name", call.who.name}, {"roles", call.who.roles.names()}, {"how", call.who.how}};
    if (!call.who.csrf.empty()) {
        answer.body["csrf"] = call.who.csrf;
    }
    if (call.who.ends) {
        answer.body["ends"] = rfc3339(*call.who.ends);
    }
    return answer;
}

ApiAnswer look_queue(const Call& call) {
    const std::string what = call.route.path == "/queue" ? "list" : last_part(call.route.path);
    Json asked{{"command", "queue-" + what}};
    for (const auto& [name, value] : call.request.query) {
        if (value.empty()) {
            continue;
        }
        if (name == "held") {
            asked[name] = value == "true";
        } else if (name == "limit") {
            asked[name] = call.number(name, 1);
        } else {
            asked[name == "cursor" ? "after" : name] = value;
        }
    }
    ApiAnswer answer = ask_mail(call, asked);
    if (answer.status == 200 && answer.body.contains("next_after")) {
        answer.next = answer.body["next_after"].get<std::string>();
        answer.body.erase("next_after");
    }
    return answer;
}

ApiAnswer order_queue(const Call& call) {
    const std::string what = last_part(call.route.path);
    Json asked = call.body;
    if ((what == "suspend" || what == "resume") &&
        asked.contains("account") == asked.contains("domain")) {
        return problem(400, "Bad request", "either \"account\" or \"domain\" is needed");
    }
    asked["command"] = "queue-" + what;
    asked["who"] = call.by();
    asked["reason"] = call.reason;
    return ask_mail(call, asked);
}

ApiAnswer order_message(const Call& call) {
    return ask_mail(
        call,
        Json{
            {"command", "queue-" + last_part(call.route.path)},
            {"queue_id", call.text("id")},
            {"reason", call.reason},
            {"who", call.by()}
        }
    );
}

ApiAnswer order_conduct(const Call& call) {
    const std::string what = last_part(call.route.path);
    const bool of_line = call.route.path.starts_with("/lines/");
    return ask_mail(
        call,
        Json{
            {"command", "conduct-" + (what == "resume" ? std::string("undo") : what)},
            {of_line ? "line" : "account", call.text(of_line ? "line" : "login")},
            {"reason", call.reason},
            {"by", call.by()},
            {"release", call.body.value("release", true)}
        }
    );
}

// Lets the subscriber in without the password.
ApiAnswer link_account(const Call& call) {
    const Context& context = call.context;
    if (context.sessions == nullptr) {
        return problem(503, "Unavailable", "nobody can sign in here");
    }
    const auto link = make_link(
        context.snapshot.config,
        context.accounts,
        *context.sessions,
        context.journal,
        call.text("login"),
        call.by(),
        context.now
    );
    if (!link) {
        return problem_of(link.error());
    }
    ApiAnswer answer;
    answer.body = Json{{"link", *link}, {"expires", rfc3339(context.now + session::kLinkLife)}};
    return answer;
}

ApiAnswer reset_limit(const Call& call) {
    Json asked = call.body;
    asked["command"] = "limit-reset";
    asked["by"] = call.by();
    asked["reason"] = call.reason;
    return ask_mail(call, asked);
}

ApiAnswer look_send_as(const Call& call) {
    return ask_mail(call, Json{{"command", "sendas-list"}, {"login", call.text("login")}});
}

ApiAnswer order_send_as(const Call& call) {
    Json asked = call.body;
    asked["command"] = "sendas-" + last_part(call.route.path);
    asked["by"] = call.by();
    return ask_mail(call, asked);
}

ApiAnswer look_conduct(const Call& call) {
    return ask_mail(call, Json{{"command", "conduct-list"}});
}

}  // namespace sekisho::desk
