// The subscriber's own page on HTTP: signing in and out, forms, and whom they are taken from. What
// is shown is guide's; passwords are judged by the mail role (its `login-check`), so that one
// memory counts wrong ones.
//
// Invariants: nothing of an account is shown or changed without a session that holds; nothing is
// changed by a GET, nor by a form that doesn't carry what only this browser has got; a session's
// token is made here at sign-in and is never taken from outside.
#pragma once

#include "desk/context.h"
#include "guide/guide.h"
#include "session/session.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::net {
struct HttpRequest;
}

namespace sekisho::desk {

class MyPage {
  public:
    // `wait`: a refused sign-in is answered after a multiple of it, as the mail server does.
    MyPage(session::SessionStore& sessions, Duration wait);
    ~MyPage();
    MyPage(const MyPage&) = delete;
    MyPage& operator=(const MyPage&) = delete;

    // Whether the path is of this page: "/my", "/ja/my", "/ja/my/...".
    [[nodiscard]] static bool is_mine(std::string_view path);
    // May wait for the wait above; the calling thread is a worker. `asked` is the same request, as
    // the guide wants it.
    [[nodiscard]] guide::GuideResponse handle(
        const Context& context, const net::HttpRequest& request, const guide::GuideRequest& asked
    );

    struct Gate;  // bounds what one network may ask for, and how many sign in at once

  private:
    session::SessionStore& sessions_;  // NOLINT(*-avoid-const-or-ref-data-members)
    std::unique_ptr<Gate> gate_;
};

// Makes a link that opens the page of the account once; records who made it. NotFound, or Invalid
// when the account is disabled. Returns the link's address.
[[nodiscard]] Result<std::string> make_link(
    const config::Config& config,
    account::AccountStore& accounts,
    session::SessionStore& sessions,
    event::Journal& journal,
    const std::string& login,
    const std::string& who,
    Time now
);

}  // namespace sekisho::desk
