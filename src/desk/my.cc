#include "desk/my.h"

#include "account/account.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "desk/context.h"
#include "desk/exemption.h"
#include "desk/my_facts.h"
#include "desk/my_gate.h"
#include "desk/my_visit.h"
#include "guide/guide.h"
#include "guide/my.h"
#include "net/http.h"
#include "net/http_target.h"
#include "session/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::desk {
namespace {

constexpr std::string_view kSession = "session";
constexpr std::string_view kForm = "form";
constexpr std::size_t kTokenMax = 64;

// What a redirect may say of how it went.
constexpr std::array<std::string_view, 10> kTold{
    "changed",
    "signed-out",
    "everywhere",
    "ended",
    "device-gone",
    "sendas-gone",
    "abroad-off",
    "abroad-on",
    "asked",
    "withdrawn"
};

bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= kTokenMax &&
           std::ranges::all_of(text, [](unsigned char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '-' || c == '_';
           });
}

std::string header_of(const net::HttpRequest& request, const std::string& name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? "" : found->second;
}

}  // namespace

std::string cookie_of(std::string_view header, std::string_view name) {
    for (const std::string_view pair : split(header, ';')) {
        const std::string_view one = trim(pair);
        const auto equals = one.find('=');
        if (equals != std::string_view::npos && one.substr(0, equals) == name) {
            return std::string(one.substr(equals + 1));
        }
    }
    return "";
}

MyPage::MyPage(session::SessionStore& sessions, Duration wait)
    : sessions_(sessions), gate_(std::make_unique<Gate>(wait)) {}
MyPage::~MyPage() = default;

bool MyPage::is_mine(std::string_view path) {
    for (const std::string_view root : {"/my", "/ja/my", "/en/my"}) {
        if (path == root || (path.starts_with(root) && path.substr(root.size()).front() == '/')) {
            return true;
        }
    }
    return false;
}

guide::GuideResponse MyPage::handle(
    const Context& context, const net::HttpRequest& request, const guide::GuideRequest& asked
) {
    return Visit(context, sessions_, *gate_, request, asked).answer();
}

Visit::Visit(
    const Context& context,
    session::SessionStore& sessions,
    MyPage::Gate& gate,
    const net::HttpRequest& request,
    const guide::GuideRequest& asked
)
    : context_(context),
      sessions_(sessions),
      gate_(gate),
      request_(request),
      asked_(asked),
      secure_(context.snapshot.config.provider.guide_url.starts_with("https://")) {
    std::string_view rest{request.path};
    if (rest.starts_with("/ja/") || rest.starts_with("/en/")) {
        language_ = rest.substr(1, 2);
        rest.remove_prefix(3);
    }
    page_ = rest.substr(3);  // behind "/my"
    if (page_ == "/") {
        page_.clear();
    }
    form_nonce_ = cookie_of(header_of(request, "cookie"), cookie_name(kForm));
    if (!is_token(form_nonce_)) {
        form_nonce_.clear();
    }
}

std::string Visit::cookie_name(std::string_view name) const {
    // The prefix makes browsers hold the cookie to TLS, this host and every path (RFC 6265bis
    // §4.1.3.2); it can't be had where the whole guide is plain HTTP.
    return fmt::format("{}sekisho-{}", secure_ ? "__Host-" : "", name);
}

void Visit::set_cookie(Response& response, std::string_view name, std::string_view value) const {
    response.headers.emplace_back(
        "Set-Cookie",
        fmt::format(
            "{}={}; Path=/; HttpOnly; SameSite={}{}{}",
            cookie_name(name),
            value,
            name == kSession ? "Lax" : "Strict",
            secure_ ? "; Secure" : "",
            value.empty() ? "; Max-Age=0" : ""
        )
    );
}

guide::GuideResponse Visit::answer() {
    if (language_.empty()) {
        Response response;
        response.status = 302;
        const bool japanese = !context_.snapshot.config.provider.name_ja.empty();
        response.headers.emplace_back("Location", fmt::format("/{}/my", japanese ? "ja" : "en"));
        response.headers.emplace_back("Cache-Control", "no-store");
        return response;
    }
    auto found = look_who();
    if (!found) {
        log::error("MY_STORE_AWAY", found.error().message);
        return told(blank(guide::My::Sheet::SignIn), "unavailable", 503);
    }
    who_ = std::move(*found);
    if (request_.method == "POST") {
        return post();
    }
    if (request_.method != "GET") {
        Response response = told(blank(guide::My::Sheet::SignIn), "form", 405);
        response.headers.emplace_back("Allow", "GET, HEAD, POST");
        return response;
    }
    return get();
}

Result<std::optional<Visit::SignedIn>> Visit::look_who() {
    const std::string token = cookie_of(header_of(request_, "cookie"), cookie_name(kSession));
    if (!is_token(token)) {
        return std::optional<SignedIn>{};
    }
    const std::string key = session::digest(token);
    auto session = sessions_.find(key);
    if (!session) {
        return fail(session.error());
    }
    had_session_ = true;
    if (!*session) {
        return std::optional<SignedIn>{};
    }
    auto account = context_.accounts.find((*session)->login);
    if (!account && account.error().code != Errc::NotFound) {
        return fail(account.error());
    }
    SignedIn one{token, std::move(**session), {}, std::nullopt};
    if (account) {
        one.account = std::move(*account);
        one.conduct = conduct_of(context_, one.account.login);
    }
    if (!account || !still_holds(one)) {
        static_cast<void>(sessions_.end(key));
        return std::optional<SignedIn>{};
    }
    if (context_.now - one.session.seen >= session::kSeenNoted) {
        if (const Status noted = sessions_.seen(key, context_.now); !noted) {
            return fail(noted.error());
        }
    }
    return std::optional{std::move(one)};
}

bool Visit::still_holds(const SignedIn& one) const {
    if (session::ended(one.session, one.account, context_.now)) {
        return false;
    }
    // Whoever misused the account may be the one who sits here. Its owner signs in anew and reads
    // what happened.
    const auto& conduct = one.conduct;
    return !conduct || (conduct->stage != "suspended" && conduct->stage != "password") ||
           !conduct->since || *conduct->since < one.session.created;
}

guide::GuideResponse Visit::get() {
    using Sheet = guide::My::Sheet;
    if (page_ == "/link") {
        guide::My my = blank(Sheet::Link);
        const auto token = request_.query.find("token");
        my.link = token != request_.query.end() && is_token(token->second) ? token->second : "";
        return show(my);
    }
    static constexpr std::array<std::pair<std::string_view, Sheet>, 5> kPages{
        {{"", Sheet::Overview},
         {"/password", Sheet::Password},
         {"/devices", Sheet::Devices},
         {"/sendas", Sheet::SendAs},
         {"/exemption", Sheet::Exemption}}
    };
    const auto* const page = std::ranges::find(
        kPages, std::string_view{page_}, &std::pair<std::string_view, Sheet>::first
    );
    const bool there =
        page != kPages.end() && (page->second != Sheet::Exemption || offers_exemption(context_));
    if (!there) {
        return go("", "");
    }
    const auto said = request_.query.find("told");
    const bool sound =
        said != request_.query.end() && std::ranges::find(kTold, said->second) != kTold.end();
    if (!who_) {
        guide::My my = blank(Sheet::SignIn);
        if (sound) {
            my.told = said->second;
        } else if (had_session_) {
            my.told = "ended";
        }
        Response response = show(my);
        if (had_session_) {
            set_cookie(response, kSession, "");
        }
        return response;
    }
    guide::My my = signed_in(page->second);
    if (page->second == Sheet::Overview) {
        fill_account(context_, who_->account, my.account);
    }
    if (page->second == Sheet::SendAs) {
        fill_send_as(my);
    }
    if (page->second == Sheet::Exemption) {
        fill_exemption(my.exemption);
    }
    my.told = sound ? said->second : "";
    return show(my);
}

// A form of this browser, from this site: by what only a page of ours has told it, and by what the
// browser says of itself (W3C Fetch Metadata), where it does.
bool Visit::form_is_ours() const {
    const std::string site = header_of(request_, "sec-fetch-site");
    if (!site.empty() && site != "same-origin" && site != "none") {
        return false;
    }
    const auto brought = form_.find("form");
    const std::string& token = who_ ? who_->token : form_nonce_;
    return brought != form_.end() && session::is_form_token(token, brought->second);
}

guide::GuideResponse Visit::post() {
    using Sheet = guide::My::Sheet;
    const auto again = [&] { return who_ ? signed_in(Sheet::Overview) : blank(Sheet::SignIn); };
    auto form = net::parse_form(request_.body);
    const std::string type = to_lower(header_of(request_, "content-type"));
    const bool sound =
        form && type.starts_with("application/x-www-form-urlencoded") &&
        std::ranges::all_of(*form, [](const auto& pair) { return is_utf8(pair.second); });
    if (sound) {
        form_ = std::move(*form);
    }
    if (!sound || !form_is_ours()) {
        guide::My my = again();
        if (who_) {
            fill_account(context_, who_->account, my.account);
        }
        return told(std::move(my), "form", 403);
    }
    if (!gate_.take_form(request_.peer, context_.now)) {
        return told(blank(Sheet::SignIn), "many", 429);
    }
    if (page_ == "/sign-in") {
        return sign_in();
    }
    if (page_ == "/link") {
        return open_link();
    }
    if (!who_) {
        return go("", "ended");
    }
    if (page_ == "/sign-out") {
        return sign_out();
    }
    if (page_ == "/sign-out-everywhere") {
        return sign_out_everywhere();
    }
    if (page_ == "/password") {
        return change_password();
    }
    if (page_ == "/sendas") {
        return send_as();
    }
    if (page_ == "/exemption") {
        return exemption();
    }
    if (page_ == "/abroad") {
        return choose_abroad();
    }
    return page_ == "/devices" ? devices() : go("", "");
}

guide::My Visit::blank(guide::My::Sheet sheet) {
    guide::My my;
    my.sheet = sheet;
    if (form_nonce_.empty()) {
        form_nonce_ = session::new_token();
    }
    // Who is signed in may open a link as well: the form is that of the session then.
    my.form = session::form_token(who_ ? who_->token : form_nonce_);
    my.encrypted = secure_ || request_.tls;
    return my;
}

guide::My Visit::signed_in(guide::My::Sheet sheet) const {
    guide::My my;
    my.sheet = sheet;
    my.form = session::form_token(who_->token);
    my.by_link = who_->session.by_link;
    my.encrypted = secure_ || request_.tls;
    my.exemption.offered = offers_exemption(context_);
    my.account.login = who_->account.login;
    my.account.name = who_->account.name;
    my.account.conduct = who_->conduct;
    my.account.stays_home = who_->account.stays_home;
    my.account.may_leave = may_leave_home();
    my.account.signed_in = who_->session.created;
    my.account.signed_in_from = who_->session.address;
    fill_devices(who_->account, my.account);
    return my;
}

guide::GuideResponse Visit::show(const guide::My& my, int status) {
    Response response = context_.snapshot.guide.my(asked_, my);
    response.status = status;
    if (!who_ && !form_nonce_.empty()) {
        set_cookie(response, kForm, form_nonce_);
    }
    return response;
}

guide::GuideResponse Visit::told(guide::My my, std::string_view key, int status) {
    my.told = key;
    my.bad = true;
    return show(my, status);
}

guide::GuideResponse Visit::go(std::string_view page, std::string_view told) const {
    Response response;
    response.status = 303;
    response.headers.emplace_back(
        "Location", fmt::format("/{}/my{}{}{}", language_, page, told.empty() ? "" : "?told=", told)
    );
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

std::string Visit::field(const std::string& name) const {
    const auto found = form_.find(name);
    return found == form_.end() ? "" : found->second;
}

}  // namespace sekisho::desk
