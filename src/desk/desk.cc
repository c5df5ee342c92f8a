#include "desk/desk.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "desk/access.h"
#include "desk/api.h"
#include "desk/asset.h"
#include "desk/facts.h"
#include "desk/metrics.h"
#include "desk/my.h"
#include "net/http.h"

#include <ctime>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace sekisho::desk {
namespace {

// The console's script talks to our API only; nothing can be framed or sent elsewhere.
constexpr std::string_view kConsolePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

net::HttpResponse text_response(int status, std::string_view type, std::string body) {
    net::HttpResponse response;
    response.status = status;
    response.content_type = type;
    response.body = std::move(body);
    response.headers = {
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"}
    };
    return response;
}

net::HttpResponse console_file(std::string_view type, std::string_view content) {
    net::HttpResponse response;
    response.content_type = type;
    response.body = content;
    response.headers = {
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-cache"},
        {"Content-Security-Policy", std::string(kConsolePolicy)}
    };
    return response;
}

net::HttpResponse api_response(const ApiAnswer& answer) {
    const char* type = answer.status >= 400 ? "application/problem+json" : "application/json";
    net::HttpResponse response =
        answer.stream.empty() ? text_response(answer.status, type, dump(answer.body) + "\n")
                              : text_response(answer.status, "text/event-stream", answer.stream);
    for (const auto& header : answer.headers) {
        response.headers.push_back(header);
    }
    return response;
}

std::string read_token(const config::Config& config) {
    const std::string path = config.state_dir + "/operator.token";
    const auto content = read_file(path, 4096);
    if (!content) {
        log::warning(
            "DESK_NO_TOKEN",
            "nobody opens the API with the token of this machine",
            {{"error", content.error().message}}
        );
        return "";
    }
    return std::string(trim(*content));
}

int machine_offset_minutes(Time at) {
    const std::time_t seconds = to_ms(at) / 1000;
    std::tm local{};
    return localtime_r(&seconds, &local) == nullptr ? 0 : static_cast<int>(local.tm_gmtoff / 60);
}

std::shared_ptr<const Snapshot> make_snapshot(
    config::Config config, std::shared_ptr<const policy::Policy> policy
) {
    std::string token = read_token(config);
    guide::Guide guide{config};
    return std::make_shared<const Snapshot>(
        std::move(config), std::move(policy), std::move(guide), std::move(token)
    );
}

}  // namespace

class Desk::State {
  public:
    explicit State(Deps deps)
        : deps_(std::move(deps)),
          started_(time()),
          access_(deps_.staff),
          snapshot_(make_snapshot(deps_.config, deps_.policy)) {
        if (deps_.sessions != nullptr) {
            my_.emplace(*deps_.sessions, deps_.sign_in_wait);
        }
    }

    void replace(config::Config config, std::shared_ptr<const policy::Policy> policy) {
        auto fresh = make_snapshot(std::move(config), std::move(policy));
        const std::scoped_lock lock{mutex_};
        snapshot_ = std::move(fresh);
    }

    net::HttpResponse handle(const net::HttpRequest& request) {
        const std::shared_ptr<const Snapshot> snapshot = current();
        const Context context{
            .snapshot = *snapshot,
            .accounts = deps_.accounts,
            .lines = deps_.lines,
            .journal = deps_.journal,
            .leases = deps_.leases,
            .staff = deps_.staff,
            .access = access_,
            .control = deps_.control,
            .sessions = deps_.sessions,
            .requests = deps_.requests,
            .reports = deps_.reports,
            .now = time(),
            .started = started_
        };
        if (request.path == "/healthz") {
            return text_response(200, "text/plain; charset=utf-8", "ok\n");
        }
        if (request.path == "/metrics") {
            return metrics(context, request);
        }
        if (request.path == "/api/v1" || request.path.starts_with("/api/")) {
            return api(context, request);
        }
        if (request.path == "/desk" || request.path.starts_with("/desk/")) {
            return console(context, request);
        }
        return guide(context, request);
    }

  private:
    [[nodiscard]] Time time() const { return deps_.clock ? deps_.clock() : now(); }

    [[nodiscard]] std::shared_ptr<const Snapshot> current() {
        const std::scoped_lock lock{mutex_};
        return snapshot_;
    }

    [[nodiscard]] static ApiRequest api_request(
        const net::HttpRequest& request, const std::string& path
    ) {
        return {
            .method = request.method,
            .path = path,
            .query = request.query,
            .headers = request.headers,
            .body = request.body,
            .peer = request.peer.text(),
            .secure = request.tls || request.peer.is_loopback()
        };
    }

    [[nodiscard]] static net::HttpResponse metrics(
        const Context& context, const net::HttpRequest& request
    ) {
        if (!request.peer.is_loopback() &&
            !context.access.identify(context, api_request(request, "/metrics"))) {
            return api_response(problem(401, "Unauthorized", "an operator's token is needed"));
        }
        return text_response(
            200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(context)
        );
    }

    [[nodiscard]] static net::HttpResponse api(
        const Context& context, const net::HttpRequest& request
    ) {
        static constexpr std::string_view kRoot = "/api/v1";
        if (!request.path.starts_with(kRoot)) {
            return api_response(problem(404, "Not found", "this is version 1: /api/v1/"));
        }
        const ApiRequest asked = api_request(request, request.path.substr(kRoot.size()));
        ApiAnswer answer = answer_api(context, asked);
        if (answer.status == 401) {
            log::warning("DESK_UNAUTHORIZED", "nobody who may", {{"peer", request.peer.text()}});
        }
        return api_response(answer);
    }

    // What the console asks first: not being signed in is no error there.
    [[nodiscard]] static net::HttpResponse session_or_none(
        const Context& context, const net::HttpRequest& request
    ) {
        const ApiAnswer answer = answer_api(context, api_request(request, "/session"));
        return answer.status == 401 ? text_response(200, "application/json", "{}\n")
                                    : api_response(answer);
    }

    [[nodiscard]] static net::HttpResponse console(
        const Context& context, const net::HttpRequest& request
    ) {
        if (request.method != "GET" && request.method != "HEAD") {
            ApiAnswer answer = problem(405, "Method not allowed", "allowed: GET, HEAD");
            answer.headers.emplace_back("Allow", "GET, HEAD");
            return api_response(answer);
        }
        if (request.path == "/desk/session") {
            return session_or_none(context, request);
        }
        static constexpr std::string_view kScript = "text/javascript; charset=utf-8";
        static constexpr std::string_view kStyle = "text/css; charset=utf-8";
        static constexpr std::string_view kPage = "text/html; charset=utf-8";
        const std::tuple<std::string_view, std::string_view, std::string_view> files[] = {
            {"/desk", kPage, asset::desk_html},
            {"/desk/", kPage, asset::desk_html},
            {"/desk/desk.css", kStyle, asset::desk_css},
            {"/desk/uplot.css", kStyle, asset::uplot_css},
            {"/desk/uplot.js", kScript, asset::uplot_js},
            {"/desk/page.js", kScript, asset::page_js},
            {"/desk/subscriber.js", kScript, asset::subscriber_js},
            {"/desk/overview.js", kScript, asset::overview_js},
            {"/desk/requests.js", kScript, asset::requests_js},
            {"/desk/desk.js", kScript, asset::desk_js},
        };
        for (const auto& [path, type, content] : files) {
            if (request.path == path) {
                return console_file(type, content);
            }
        }
        return api_response(problem(404, "Not found", "no such file"));
    }

    [[nodiscard]] net::HttpResponse guide(const Context& context, const net::HttpRequest& request) {
        const guide::GuideRequest asked{
            .method = request.method,
            .path = request.path,
            .query = request.query,
            .headers = request.headers,
            .body = request.body,
            .peer = request.peer,
            .now = context.now,
            .utc_offset_minutes =
                deps_.offset_minutes ? deps_.offset_minutes() : machine_offset_minutes(context.now)
        };
        DeskFacts facts{context};
        guide::GuideResponse answer = my_ && MyPage::is_mine(request.path)
                                          ? my_->handle(context, request, asked)
                                          : context.snapshot.guide.handle(asked, facts);
        net::HttpResponse response;
        response.status = answer.status;
        response.content_type = std::move(answer.content_type);
        response.body = std::move(answer.body);
        response.headers = std::move(answer.headers);
        return response;
    }

    Deps deps_;
    Time started_;
    Access access_;
    std::optional<MyPage> my_;
    std::mutex mutex_;
    std::shared_ptr<const Snapshot> snapshot_;
};

Desk::Desk(Deps deps) : state_(std::make_unique<State>(std::move(deps))) {}
Desk::~Desk() = default;

net::HttpResponse Desk::handle(const net::HttpRequest& request) {
    return state_->handle(request);
}

void Desk::replace(config::Config config, std::shared_ptr<const policy::Policy> policy) {
    state_->replace(std::move(config), std::move(policy));
}

}  // namespace sekisho::desk
