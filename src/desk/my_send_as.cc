// Addresses elsewhere, from the subscriber's own page. The mail role keeps them, mails the codes,
// and looks up whether such mail would arrive.
#include "base/bytes.h"
#include "base/result.h"
#include "desk/context.h"
#include "desk/my_visit.h"
#include "guide/guide.h"
#include "guide/my.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::desk {
namespace {

constexpr std::size_t kAddressMax = 254;  // RFC 5321 §4.5.3.1.3, without the angle brackets

std::string_view key_of(const Error& error) {
    switch (error.code) {
        case Errc::Invalid:
            return "sendas-bad";
        case Errc::Conflict:
            return "sendas-there";
        case Errc::Full:
            return "sendas-full";
        default:
            return "sendas-away";
    }
}

int status_of(const Error& error) {
    return key_of(error) == "sendas-away" ? 503 : 422;
}

}  // namespace

void Visit::fill_send_as(guide::My& my) const {
    const auto answer = ask_role(
        context_.control, "mail", Json{{"command", "sendas-list"}, {"login", who_->account.login}}
    );
    if (!answer || !answer->contains("addresses")) {
        return;
    }
    my.send_as.emplace();
    for (const Json& one : (*answer)["addresses"]) {
        my.send_as->push_back(
            {one.value("address", ""), one.value("proven", false), one.value("outlook", "")}
        );
    }
}

guide::GuideResponse Visit::send_as() {
    const std::string address{trim(field("address"))};
    Json asked{{"login", who_->account.login}, {"address", address}, {"by", "my page"}};
    guide::My my = signed_in(guide::My::Sheet::SendAs);
    if (field("do") == "remove") {
        asked["command"] = "sendas-remove";
        const auto done = ask_role(context_.control, "mail", asked);
        if (!done && done.error().code != Errc::NotFound) {
            fill_send_as(my);
            return told(std::move(my), key_of(done.error()), status_of(done.error()));
        }
        return go("/sendas", "sendas-gone");
    }
    if (address.empty() || address.size() > kAddressMax) {
        fill_send_as(my);
        return told(std::move(my), "sendas-bad", 422);
    }
    asked["command"] = "sendas-add";
    const auto done = ask_role(context_.control, "mail", asked);
    fill_send_as(my);
    if (!done) {
        my.typed = address;
        return told(std::move(my), key_of(done.error()), status_of(done.error()));
    }
    const auto text = done->find("text");
    if (text != done->end() && text->is_object()) {
        my.advice = text->value(language_, "");
        my.advice_good = done->value("outlook", "") == "passes";
    }
    my.told = "sendas-asked";
    return show(my);
}

}  // namespace sekisho::desk
