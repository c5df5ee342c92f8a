// The values a mail program needs: for everybody, and with one's own address filled in. One model
// (config::Settings), so that no two pages can say two things.
#include "guide/address.h"
#include "guide/formats.h"
#include "guide/pages.h"
#include "guide/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace sekisho::guide {
namespace {

std::string code(std::string_view text) {
    return fmt::format("<code>{}</code>", escape_html(text));
}

std::string incoming_table(const View& view, const std::string& user) {
    const auto& settings = view.config().settings;
    const auto incoming = incoming_of(settings);
    if (!incoming) {
        return "";
    }
    Sheet sheet;
    sheet.row(view.html("settings.kind"), incoming->pop ? "POP" : "IMAP");
    sheet.row(view.html("settings.server"), code(settings.incoming_host));
    sheet.row(
        view.html("settings.port"),
        fmt::format(
            "{} {}",
            code(std::to_string(settings.incoming_port)),
            view.html(incoming->implicit_tls ? "settings.tls" : "settings.starttls")
        )
    );
    sheet.row(view.html("settings.user"), user);
    return view.heading(2, "settings.incoming") + view.paragraph("settings.incoming.keep") +
           sheet.html();
}

std::string address_form(const View& view, std::string_view typed, bool wrong) {
    return fmt::format(
        "<form class=\"ask\" method=\"get\" action=\"{0}\">\n"
        "<label for=\"address\">{1} <span>{2}</span></label>\n"
        "<div><input id=\"address\" name=\"address\" type=\"email\" maxlength=\"254\" required"
        " autocomplete=\"email\" value=\"{3}\"{4}>\n<button class=\"button "
        "primary\">{5}</button></div>\n"
        "{6}</form>\n",
        view.url("setup"),
        view.html("setup.address"),
        view.html("setup.example"),
        escape_html(typed),
        wrong ? " aria-invalid=\"true\" aria-describedby=\"wrong\"" : "",
        view.html("setup.show"),
        wrong ? fmt::format(
                    "<p id=\"wrong\" class=\"note bad\" role=\"alert\">{}</p>\n",
                    view.html("setup.invalid")
                )
              : ""
    );
}

std::string programs(const View& view, const MailAddress& address) {
    std::string out = view.heading(2, "setup.programs");
    if (incoming_of(view.config().settings)) {
        out += view.heading(3, "setup.auto") + view.paragraph("setup.auto.text");
        out += view.heading(3, "setup.apple") + view.paragraph("setup.apple.text");
        out += fmt::format(
            "<p><a class=\"button\" href=\"/mail/apple.mobileconfig?address={}&amp;lang={}\""
            " download>{}</a></p>\n",
            encode_query(address.text()),
            sekisho::guide::code(view.language()),
            view.html("setup.apple.button")
        );
    }
    return out + view.heading(3, "setup.other") + view.paragraph("setup.other.text");
}

}  // namespace

std::string outgoing_table(const View& view, const std::string& user) {
    const auto& settings = view.config().settings;
    Sheet sheet;
    sheet.row(view.html("settings.server"), code(settings.outgoing_host));
    const auto port = [&](std::uint16_t number, std::string_view security, bool first) {
        sheet.row(
            fmt::format(
                "{}<br><span class=\"tag{}\">{}</span>",
                view.html("settings.port"),
                first ? " first" : "",
                view.html(first ? "settings.first" : "settings.second")
            ),
            fmt::format("{} {}", code(std::to_string(number)), view.html(security))
        );
    };
    // Implicit TLS before STARTTLS (RFC 8314 §3.3); nothing without encryption.
    if (settings.submissions_port != 0) {
        port(settings.submissions_port, "settings.tls", true);
    }
    if (settings.submission_port != 0) {
        port(settings.submission_port, "settings.starttls", settings.submissions_port == 0);
    }
    sheet.row(view.html("settings.auth"), view.html("settings.auth.value"));
    sheet.row(view.html("settings.user"), user);
    sheet.row(view.html("settings.password"), view.html("settings.password.value"));
    return sheet.html();
}

std::string settings_page(const View& view, Facts&) {
    const std::string user = view.html("settings.user.value");
    std::string out = view.heading(1, "settings.title") + view.paragraph("settings.lead", "lead") +
                      view.heading(2, "settings.outgoing") + outgoing_table(view, user) +
                      view.note("settings.never", "warn") + view.paragraph("settings.own");
    if (incoming_of(view.config().settings)) {
        out += view.heading(2, "settings.auto") + view.paragraph("settings.auto.text");
    }
    return out + view.heading(2, "settings.pictures") +
           view.paragraph("settings.pictures.text", "small") + thunderbird_picture(view) +
           generic_picture(view) + incoming_table(view, user);
}

// The same for every local part: whether a mailbox exists is nobody's business.
std::string setup_page(const View& view, Facts&) {
    const std::string_view typed = query_value(view, "address");
    const auto address = parse_mail_address(typed);
    std::string out = view.heading(1, "setup.title") + view.paragraph("setup.lead", "lead") +
                      address_form(view, typed, !typed.empty() && !address);
    if (!address) {
        return out;
    }
    View named = view;
    named.set("address", address->text());
    named.set("mail_domain", address->domain);
    const bool ours = is_own_domain(view.config(), address->domain);
    if (!ours) {
        out += named.note("setup.elsewhere", "warn");
    }
    const std::string user = ours ? code(address->text()) : view.html("settings.user.value");
    out += named.heading(2, "setup.values") + outgoing_table(named, user) +
           named.note("settings.never", "warn");
    if (ours) {
        out += incoming_table(named, user) + programs(named, *address);
    }
    return out + view.paragraph("setup.print", "small");
}

}  // namespace sekisho::guide
