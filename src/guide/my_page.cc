// Signing in, the password, app passwords.
#include "guide/my_page.h"

#include "guide/my.h"
#include "guide/view.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace sekisho::guide {
namespace {

constexpr std::string_view kSelectAll = "class=\"reference\"";

std::string told(const View& view, const My& my) {
    if (my.told.empty()) {
        return "";
    }
    return fmt::format(
        "<p id=\"told\" class=\"note {}\" role=\"{}\">{}</p>\n",
        my.bad ? "bad" : "good",
        my.bad ? "alert" : "status",
        view.html("my.told." + my.told)
    );
}

struct Field {
    std::string_view name, label, type, autocomplete;
    std::string_view more = "";
};
std::string field(const View& view, const Field& what, std::string_view value = "") {
    return fmt::format(
        "<label for=\"{0}\">{1}</label>\n<input id=\"{0}\" name=\"{0}\" type=\"{2}\""
        " autocomplete=\"{3}\" maxlength=\"320\" required{4}{5}>\n",
        what.name,
        view.html(what.label),
        what.type,
        what.autocomplete,
        value.empty() ? "" : fmt::format(" value=\"{}\"", escape_html(value)),
        what.more
    );
}

std::string submit(const View& view, std::string_view key, bool primary = true) {
    return fmt::format(
        "<p><button class=\"button{}\">{}</button></p>\n", primary ? " primary" : "", view.html(key)
    );
}

std::string sign_in(const View& view, const My& my) {
    std::string out = view.paragraph("my.lead", "lead") + told(view, my);
    if (!my.encrypted) {
        out += view.note("my.plain", "warn");
    }
    const std::string_view wrong =
        my.bad ? " aria-invalid=\"true\" aria-describedby=\"told\"" : std::string_view{};
    const Field login{
        "login",
        "my.login",
        "text",
        "username",
        my.bad ? " inputmode=\"email\" autocapitalize=\"none\" spellcheck=\"false\""
                 " aria-invalid=\"true\" aria-describedby=\"told\""
               : " inputmode=\"email\" autocapitalize=\"none\" spellcheck=\"false\""
    };
    const Field password{"password", "my.password", "password", "current-password", wrong};
    out += my_form(
        view,
        my,
        "my/sign-in",
        field(view, login, my.typed) + field(view, password) + submit(view, "my.sign_in")
    );
    return out + view.heading(2, "my.help") + view.list("my.help");
}

std::string link(const View& view, const My& my) {
    const std::string token =
        fmt::format("<input type=\"hidden\" name=\"token\" value=\"{}\">\n", escape_html(my.link));
    return view.paragraph("my.link.lead", "lead") + told(view, my) +
           my_form(view, my, "my/link", token + submit(view, "my.link.open")) +
           view.paragraph("my.link.once", "small");
}

std::string password(const View& view, const My& my) {
    const Field now{"current", "my.password.current", "password", "current-password"};
    const Field next{
        "new",
        "my.password.new",
        "password",
        "new-password",
        " minlength=\"8\" aria-describedby=\"rule\""
    };
    const Field again{"again", "my.password.again", "password", "new-password"};
    return told(view, my) + view.paragraph("my.password.text") +
           my_form(
               view,
               my,
               "my/password",
               (my.by_link ? "" : field(view, now)) + field(view, next) +
                   fmt::format(
                       "<p id=\"rule\" class=\"small\">{}</p>\n", view.html("my.password.rule")
                   ) +
                   field(view, again) + submit(view, "my.password.change")
           ) +
           view.note("my.password.after", "warn");
}

std::string revoke(const View& view, const My& my, const MyDevice& device) {
    return fmt::format(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"form\" value=\"{}\">"
        "<input type=\"hidden\" name=\"do\" value=\"revoke\">"
        "<input type=\"hidden\" name=\"name\" value=\"{}\">"
        "<button class=\"button small-button\">{} <span class=\"unseen\">{}</span></button>"
        "</form>",
        view.url("my/devices"),
        escape_html(my.form),
        escape_html(device.name),
        view.html("my.devices.revoke"),
        escape_html(device.name)
    );
}

std::string device_rows(const View& view, const My& my) {
    std::string rows;
    for (const MyDevice& one : my.account.devices) {
        std::string used = view.html("my.devices.never");
        if (one.last_used) {
            used = fmt::format(
                "{}<br><code>{}</code>", view.time(*one.last_used), escape_html(one.last_address)
            );
        }
        const std::string until = one.expires ? fmt::format(
                                                    "<br><span class=\"small\">{} {}</span>",
                                                    view.html("my.devices.expires"),
                                                    view.time(*one.expires)
                                                )
                                              : "";
        rows += fmt::format(
            "<tr><th scope=\"row\">{}{}</th><td data-label=\"{}\">{}</td>"
            "<td data-label=\"{}\">{}</td><td>{}</td></tr>\n",
            escape_html(one.name),
            until,
            escape_html(view.plain("my.devices.made")),
            view.time(one.created),
            escape_html(view.plain("my.devices.used")),
            used,
            revoke(view, my, one)
        );
    }
    return rows;
}

std::string devices(const View& view, const My& my) {
    std::string out = told(view, my);
    if (!my.fresh_password.empty()) {
        View named = view;
        named.set("device", my.fresh_name);
        out += fmt::format(
            "<section class=\"note good\" aria-labelledby=\"fresh\">\n<h2 id=\"fresh\">{}</h2>\n"
            "<p><code {}>{}</code></p>\n<p>{}</p>\n</section>\n",
            named.html("my.devices.fresh"),
            kSelectAll,
            escape_html(my.fresh_password),
            named.html("my.devices.once")
        );
    }
    out += view.paragraph("my.devices.text");
    if (my.account.devices.empty()) {
        out += view.paragraph("my.devices.none", "small");
    } else {
        out += fmt::format(
            "<table class=\"stack\">\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}"
            "</th><th scope=\"col\">{}</th><td></td></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n",
            view.html("my.devices.name"),
            view.html("my.devices.made"),
            view.html("my.devices.used"),
            device_rows(view, my)
        );
    }
    const Field name{"name", "my.devices.what", "text", "off", " placeholder=\"Thunderbird\""};
    return out + view.heading(2, "my.devices.add") +
           my_form(
               view,
               my,
               "my/devices",
               "<input type=\"hidden\" name=\"do\" value=\"add\">\n" + field(view, name) +
                   submit(view, "my.devices.make")
           );
}

// The pages of who is signed in, and the way out.
std::string tabs(const View& view, const My& my) {
    std::string items;
    for (const My::Sheet sheet :
         {My::Sheet::Overview,
          My::Sheet::Password,
          My::Sheet::Devices,
          My::Sheet::SendAs,
          My::Sheet::Exemption}) {
        if (sheet == My::Sheet::Exemption && !my.exemption.offered) {
            continue;
        }
        items += fmt::format(
            "<li><a href=\"{}\"{}>{}</a></li>\n",
            view.url(my_path(sheet)),
            sheet == my.sheet ? " aria-current=\"page\"" : "",
            view.html(sheet == My::Sheet::Overview ? "my.overview" : my_title(sheet))
        );
    }
    return fmt::format(
        "<div class=\"who\"><p><span>{}</span> <strong>{}</strong></p>\n"
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"form\" value=\"{}\">"
        "<button class=\"button small-button\">{}</button></form></div>\n"
        "<ul class=\"tabs\" aria-label=\"{}\">\n{}</ul>\n",
        view.html("my.signed_in"),
        escape_html(my.account.login),
        view.url("my/sign-out"),
        escape_html(my.form),
        view.html("my.sign_out"),
        escape_html(view.plain("my.title")),
        items
    );
}

}  // namespace

std::string my_form(
    const View& view, const My& my, std::string_view action, const std::string& fields
) {
    return fmt::format(
        "<form class=\"ask fields\" method=\"post\" action=\"{}\">\n"
        "<input type=\"hidden\" name=\"form\" value=\"{}\">\n{}</form>\n",
        view.url(action),
        escape_html(my.form),
        fields
    );
}

std::string_view my_path(My::Sheet sheet) {
    switch (sheet) {
        case My::Sheet::Password:
            return "my/password";
        case My::Sheet::Devices:
            return "my/devices";
        case My::Sheet::SendAs:
            return "my/sendas";
        case My::Sheet::Exemption:
            return "my/exemption";
        default:
            return "my";
    }
}

std::string_view my_title(My::Sheet sheet) {
    switch (sheet) {
        case My::Sheet::Password:
            return "my.password.title";
        case My::Sheet::Devices:
            return "my.devices.title";
        case My::Sheet::SendAs:
            return "my.sendas.title";
        case My::Sheet::Exemption:
            return "my.exemption.title";
        case My::Sheet::SignIn:
            return "my.sign_in.title";
        case My::Sheet::Link:
            return "my.link.title";
        case My::Sheet::Overview:
            break;
    }
    return "my.title";
}

std::string my_body(const View& view, const My& my) {
    const std::string heading = view.heading(1, my_title(my.sheet));
    switch (my.sheet) {
        case My::Sheet::SignIn:
            return heading + sign_in(view, my);
        case My::Sheet::Link:
            return heading + link(view, my);
        case My::Sheet::Password:
            return heading + tabs(view, my) + password(view, my);
        case My::Sheet::Devices:
            return heading + tabs(view, my) + devices(view, my);
        case My::Sheet::SendAs:
            return heading + tabs(view, my) + told(view, my) + my_send_as(view, my);
        case My::Sheet::Exemption:
            return heading + tabs(view, my) + told(view, my) + my_exemption(view, my);
        case My::Sheet::Overview:
            break;
    }
    return heading + tabs(view, my) + told(view, my) + my_overview(view, my);
}

}  // namespace sekisho::guide
