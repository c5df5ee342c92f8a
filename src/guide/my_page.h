// HTML of the subscriber's own page.
#pragma once

#include "guide/my.h"
#include "guide/view.h"

#include <string>
#include <string_view>

namespace sekisho::guide {

[[nodiscard]] std::string my_body(const View& view, const My& my);
// "my", "my/password", "my/devices", "my/sendas", "my/exemption": below /ja/.
[[nodiscard]] std::string_view my_path(My::Sheet sheet);
[[nodiscard]] std::string_view my_title(My::Sheet sheet);  // a key

// What the account has seen: my_account.cc.
[[nodiscard]] std::string my_overview(const View& view, const My& my);
// my_send_as.cc
[[nodiscard]] std::string my_send_as(const View& view, const My& my);
// my_exemption.cc
[[nodiscard]] std::string my_exemption(const View& view, const My& my);

// Pieces.
[[nodiscard]] std::string my_form(
    const View& view, const My& my, std::string_view action, const std::string& fields
);

}  // namespace sekisho::guide
