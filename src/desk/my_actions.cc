// What the forms of the subscriber's own page ask for.
#include "account/account.h"
#include "account/app_password.h"
#include "account/digest.h"
#include "account/password.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "desk/context.h"
#include "desk/facts.h"
#include "desk/my.h"
#include "desk/my_facts.h"
#include "desk/my_gate.h"
#include "desk/my_visit.h"
#include "event/event.h"
#include "guide/guide.h"
#include "guide/my.h"
#include "session/session.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace sekisho::desk {
namespace {

constexpr std::size_t kLoginMax = 320;
constexpr std::size_t kPasswordMax = 1024;

int status_of(std::string_view verdict) {
    if (verdict == "too-many") {
        return 429;
    }
    return verdict == "busy" || verdict == "unavailable" ? 503 : 403;
}

}  // namespace

void Visit::note_change(const std::string& login, std::string what) const {
    event::Event row;
    row.at = context_.now;
    row.kind = event::Kind::AccountChanged;
    row.account = login;
    row.address = request_.peer.text();
    row.detail = std::move(what);
    context_.journal.append(std::move(row));
}

std::string Visit::judge(const std::string& login, const std::string& password) {
    const MyPage::Gate::Place place = gate_.enter(request_.peer);
    if (!place.held()) {
        return "busy";
    }
    std::string verdict = "wrong";
    if (!login.empty() && login.size() <= kLoginMax && password.size() <= kPasswordMax) {
        const auto answer = ask_role(
            context_.control,
            "mail",
            Json{
                {"command", "login-check"},
                {"login", login},
                {"password", password},
                {"address", request_.peer.text()}
            }
        );
        if (!answer) {
            log::warning(
                "MY_SIGN_IN_UNAVAILABLE",
                "the mail role judges passwords and can't be asked",
                {{"error", answer.error().message}}
            );
            return "unavailable";
        }
        verdict = answer->value("verdict", "unavailable");
        judged_ = answer->value("login", "");
    }
    // As after AUTH: to a multiple of the wait, so that the time tells nothing of whose it was.
    if (verdict == "wrong" && gate_.wait.count() > 0) {
        const auto took =
            std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began_);
        std::this_thread::sleep_for(gate_.wait - took % gate_.wait);
    }
    return verdict;
}

guide::GuideResponse Visit::begin(
    const account::Account& account, bool by_link, std::string_view page, std::string_view told
) {
    const std::string token = session::new_token();
    session::Session fresh;
    fresh.login = account.login;
    fresh.password_mark = session::password_mark(account);
    fresh.address = request_.peer.text();
    fresh.created = fresh.seen = context_.now;
    fresh.by_link = by_link;
    if (who_) {
        static_cast<void>(sessions_.end(session::digest(who_->token)));
        who_.reset();
    }
    if (const Status kept = sessions_.put(session::digest(token), fresh); !kept) {
        log::error("MY_STORE_AWAY", kept.error().message);
        return this->told(blank(guide::My::Sheet::SignIn), "unavailable", 503);
    }
    Response response = go(page, told);
    set_cookie(response, "session", token);
    set_cookie(response, "form", "");
    return response;
}

guide::GuideResponse Visit::sign_in() {
    const std::string login{trim(field("login"))};
    const std::string verdict = judge(login, field("password"));
    if (verdict != "right") {
        guide::My my = blank(guide::My::Sheet::SignIn);
        my.typed = login.substr(0, is_utf8(login.substr(0, kLoginMax)) ? kLoginMax : 0);
        return told(std::move(my), verdict, status_of(verdict));
    }
    const auto account = context_.accounts.find(judged_);
    if (!account) {
        return told(blank(guide::My::Sheet::SignIn), "unavailable", 503);
    }
    return begin(*account, false, "", "");
}

guide::GuideResponse Visit::open_link() {
    const std::string key = session::digest(field("token"));
    const auto link = sessions_.take_link(key);
    if (!link) {
        log::error("MY_STORE_AWAY", link.error().message);
        return told(blank(guide::My::Sheet::SignIn), "unavailable", 503);
    }
    const auto account = *link ? context_.accounts.find((*link)->login)
                               : Result<account::Account>{fail(Errc::NotFound, "no such link")};
    if (!*link || (*link)->expires <= context_.now || !account || !account->enabled) {
        return told(blank(guide::My::Sheet::SignIn), "link-bad", 403);
    }
    note_change(account->login, "signed in to my page by the link of " + (*link)->made_by);
    return begin(*account, true, "", "");
}

guide::GuideResponse Visit::sign_out() {
    if (const Status done = sessions_.end(session::digest(who_->token)); !done) {
        return told(signed_in(guide::My::Sheet::Password), "kept", 503);
    }
    Response response = go("", "signed-out");
    set_cookie(response, "session", "");
    return response;
}

guide::GuideResponse Visit::sign_out_everywhere() {
    const auto ended = sessions_.end_all(who_->account.login);
    if (!ended) {
        return told(signed_in(guide::My::Sheet::Password), "kept", 503);
    }
    note_change(who_->account.login, fmt::format("signed out of {} sessions of my page", *ended));
    Response response = go("", "everywhere");
    set_cookie(response, "session", "");
    return response;
}

guide::GuideResponse Visit::change_password() {
    const auto no = [&](std::string_view key, int status) {
        return told(signed_in(guide::My::Sheet::Password), key, status);
    };
    const std::string fresh = field("new");
    if (fresh != field("again")) {
        return no("differ", 422);
    }
    if (!account::check_password(fresh)) {
        return no("weak", 422);
    }
    account::Account& account = who_->account;
    if (!who_->session.by_link) {
        const std::string verdict = judge(account.login, field("current"));
        if (verdict != "right") {
            return no(
                verdict == "wrong" ? "current" : std::string_view{verdict}, status_of(verdict)
            );
        }
        if (fresh == field("current")) {
            return no("same", 422);
        }
        // An imported hash is made anew when its password is shown.
        auto now_kept = context_.accounts.find(account.login);
        if (!now_kept) {
            return no("kept", 503);
        }
        account = std::move(*now_kept);
    }
    auto credential =
        account::make_credential(fresh, account::HashOptions{}, account::scram_setting_of(account));
    if (!credential) {
        return no("weak", 422);
    }
    if (const Status kept = context_.accounts.replace_credential(
            account.login, account.credential.hash, *credential
        );
        !kept) {
        return no("kept", 503);
    }
    account.credential = std::move(*credential);
    note_change(account.login, "password changed on my page");
    log::info(
        "MY_PASSWORD_CHANGED",
        "a subscriber has changed the password",
        {{"account", account.login}, {"peer", request_.peer.text()}}
    );
    static_cast<void>(sessions_.end_all(account.login));  // they would not hold any more anyway
    const account::Account copy = account;
    return begin(copy, false, "/password", "changed");
}

// Who stole the password would allow it first: not from another network, then, unless support has
// let in who asks.
bool Visit::may_leave_home() const {
    return who_->session.by_link || !DeskFacts{context_}.standing(request_.peer).outside;
}

guide::GuideResponse Visit::choose_abroad() {
    const std::string chosen = field("stays_home");
    if (chosen != "0" && chosen != "1") {
        return go("", "");
    }
    const bool stays = chosen == "1";
    if (!stays && !may_leave_home()) {
        guide::My my = signed_in(guide::My::Sheet::Overview);
        fill_account(context_, who_->account, my.account);
        return told(std::move(my), "abroad-here", 403);
    }
    if (const Status kept = context_.accounts.set_stays_home(who_->account.login, stays); !kept) {
        guide::My my = signed_in(guide::My::Sheet::Overview);
        fill_account(context_, who_->account, my.account);
        return told(std::move(my), "kept", 503);
    }
    note_change(
        who_->account.login,
        stays ? "nothing is sent from abroad, chosen on my page"
              : "sending from abroad allowed on my page"
    );
    return go("", stays ? "abroad-off" : "abroad-on");
}

guide::GuideResponse Visit::devices() {
    guide::My my = signed_in(guide::My::Sheet::Devices);
    if (field("do") == "revoke") {
        const std::string name = field("name");
        const Status gone = context_.accounts.remove_app_password(who_->account.login, name);
        if (!gone && gone.error().code != Errc::NotFound) {
            return told(std::move(my), "kept", 503);
        }
        if (gone) {
            note_change(who_->account.login, "app password \"" + name + "\" revoked on my page");
        }
        return go("/devices", "device-gone");
    }
    return add_device(std::move(my));
}

guide::GuideResponse Visit::add_device(guide::My my) {
    const account::Account& account = who_->account;
    account::AppPassword made;
    made.name = std::string(trim(field("name")));
    made.created = context_.now;
    if (!account::check_app_password_name(made.name)) {
        return told(std::move(my), "device-name", 422);
    }
    const std::string text = account::fresh_app_password(account);
    auto credential = account::make_credential(
        text, account::HashOptions{}, account::app_password_setting(account)
    );
    if (!credential) {
        return told(std::move(my), "kept", 503);
    }
    made.selector = account::selector_of(text);
    made.credential = std::move(*credential);
    if (const Status added = context_.accounts.add_app_password(account.login, made); !added) {
        const Errc why = added.error().code;
        return told(
            std::move(my),
            why == Errc::Conflict  ? "device-taken"
            : why == Errc::Invalid ? "device-full"
                                   : "kept",
            why == Errc::Conflict || why == Errc::Invalid ? 422 : 503
        );
    }
    note_change(account.login, "app password \"" + made.name + "\" made on my page");
    my.fresh_name = made.name;
    my.fresh_password = text;
    my.account.devices.push_back({made.name, made.created, std::nullopt, std::nullopt, ""});
    return show(my);
}

Result<std::string> make_link(
    const config::Config& config,
    account::AccountStore& accounts,
    session::SessionStore& sessions,
    event::Journal& journal,
    const std::string& login,
    const std::string& who,
    Time now
) {
    const auto account = accounts.find(to_lower(login));
    if (!account) {
        return fail(account.error());
    }
    if (!account->enabled) {
        return fail(Errc::Invalid, account->login + " is disabled: enable it first");
    }
    const std::string token = session::new_token();
    if (const Status kept = sessions.put_link(
            session::digest(token), {account->login, who, now, now + session::kLinkLife}
        );
        !kept) {
        return fail(kept.error());
    }
    event::Event row;
    row.at = now;
    row.kind = event::Kind::AccountChanged;
    row.account = account->login;
    row.detail = "a link to my page made by " + who;
    journal.append(std::move(row));
    const bool japanese = !config.provider.name_ja.empty();
    return fmt::format(
        "{}/{}/my/link?token={}", config.provider.guide_url, japanese ? "ja" : "en", token
    );
}

}  // namespace sekisho::desk
