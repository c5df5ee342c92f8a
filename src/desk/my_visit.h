// One request to the subscriber's own page. For my*.cc.
#pragma once

#include "account/account.h"
#include "desk/context.h"
#include "desk/my.h"
#include "desk/my_gate.h"
#include "guide/guide.h"
#include "guide/my.h"
#include "net/http.h"
#include "session/session.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::desk {

// "taro" of "a=b; name=taro" (RFC 6265 §4.2.1); empty when there is none.
[[nodiscard]] std::string cookie_of(std::string_view header, std::string_view name);

class Visit {
  public:
    Visit(
        const Context& context,
        session::SessionStore& sessions,
        MyPage::Gate& gate,
        const net::HttpRequest& request,
        const guide::GuideRequest& asked
    );
    [[nodiscard]] guide::GuideResponse answer();

  private:
    using Response = guide::GuideResponse;
    struct SignedIn {
        std::string token;
        session::Session session;
        account::Account account;
        std::optional<guide::MyConduct> conduct;
    };

    // my.cc: who it is, what is to be done
    [[nodiscard]] Result<std::optional<SignedIn>> look_who();
    [[nodiscard]] bool still_holds(const SignedIn& one) const;
    [[nodiscard]] Response get();
    [[nodiscard]] Response post();
    [[nodiscard]] bool form_is_ours() const;
    [[nodiscard]] guide::My blank(guide::My::Sheet sheet);
    [[nodiscard]] guide::My signed_in(guide::My::Sheet sheet) const;
    [[nodiscard]] Response show(const guide::My& my, int status = 200);
    [[nodiscard]] Response told(guide::My my, std::string_view key, int status);
    [[nodiscard]] Response go(std::string_view page, std::string_view told) const;
    void set_cookie(Response& response, std::string_view name, std::string_view value) const;
    [[nodiscard]] std::string cookie_name(std::string_view name) const;
    [[nodiscard]] std::string field(const std::string& name) const;

    // my_actions.cc: what a form asks for
    [[nodiscard]] Response sign_in();
    [[nodiscard]] Response open_link();
    [[nodiscard]] Response sign_out();
    [[nodiscard]] Response sign_out_everywhere();
    [[nodiscard]] Response change_password();
    [[nodiscard]] Response choose_abroad();
    [[nodiscard]] bool may_leave_home() const;
    [[nodiscard]] Response devices();
    // my_send_as.cc
    [[nodiscard]] Response send_as();
    void fill_send_as(guide::My& my) const;
    // my_exemption.cc
    [[nodiscard]] Response exemption();
    [[nodiscard]] Response ask_exemption();
    [[nodiscard]] Response withdraw_request();
    void fill_exemption(guide::MyExemption& out) const;
    [[nodiscard]] Response add_device(guide::My my);
    // "right", "wrong", "disabled", "too-many", "unavailable", "busy"; anything but "right" after
    // the wait.
    [[nodiscard]] std::string judge(const std::string& login, const std::string& password);
    // A new session of the account, and its cookie; the one there was ends.
    [[nodiscard]] Response begin(
        const account::Account& account, bool by_link, std::string_view page, std::string_view told
    );
    void note_change(const std::string& login, std::string what) const;

    const Context& context_;
    session::SessionStore& sessions_;
    MyPage::Gate& gate_;
    const net::HttpRequest& request_;
    const guide::GuideRequest& asked_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::string language_, page_;
    bool secure_;
    bool had_session_ = false;
    std::string form_nonce_;  // what the forms of who isn't signed in belong to
    std::optional<SignedIn> who_;
    std::map<std::string, std::string> form_;
    std::string judged_;  // the login as the mail role knows it
};

}  // namespace sekisho::desk
