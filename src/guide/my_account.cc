// What the account has: set-up, conduct, sends, logins, limits, line.
#include "guide/address.h"
#include "guide/formats.h"
#include "guide/my.h"
#include "guide/my_page.h"
#include "guide/pages.h"
#include "guide/qr.h"
#include "guide/view.h"

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace sekisho::guide {
namespace {

std::string state(const View& view, std::string_view hue, std::string_view key) {
    return fmt::format("<span class=\"state {}\">{}</span>", hue, view.html(key));
}

std::string cell(const View& view, std::string_view key, const std::string& html) {
    return fmt::format("<td data-label=\"{}\">{}</td>", escape_html(view.plain(key)), html);
}

std::string table(
    const View& view,
    std::string_view what,
    std::initializer_list<std::string_view> heads,
    const std::string& rows
) {
    std::string out = fmt::format("<table class=\"stack {}\">\n<thead><tr>", what);
    for (const std::string_view head : heads) {
        out += fmt::format("<th scope=\"col\">{}</th>", view.html(head));
    }
    return out + "</tr></thead>\n<tbody>\n" + rows + "</tbody>\n</table>\n";
}

// A key that names one of ours; everything else is told by `otherwise`.
std::string known(const View& view, const std::string& key, std::string_view otherwise) {
    return view.has(key) ? key : std::string(otherwise);
}

std::string conduct(const View& view, const My& my) {
    const auto& found = my.account.conduct;
    if (!found) {
        return view.heading(2, "my.conduct") + view.note("my.away", "warn");
    }
    const std::string key = known(view, "my.stage." + found->stage, "my.stage.normal");
    const bool normal = key == "my.stage.normal";
    const bool mild = found->stage == "slow";
    std::string out = fmt::format(
        "<section class=\"note {}\" aria-labelledby=\"conduct\">\n<h2 id=\"conduct\">{}</h2>\n"
        "<p>{}</p>\n",
        normal ? "good"
        : mild ? "warn"
               : "bad",
        view.html(key),
        view.html(key + ".text")
    );
    if (!normal) {
        Sheet sheet;
        if (found->since) {
            sheet.row(view.html("my.conduct.since"), view.time(*found->since));
        }
        if (!found->reason.empty()) {
            sheet.row(view.html("my.conduct.reason"), escape_html(found->reason));
        }
        out += sheet.empty() ? "" : sheet.html();
    }
    return out + "</section>\n";
}

// The address that its own settings are shown for: the first of ours, else the login.
std::string setup_address(const View& view, const MyAccount& account) {
    for (const std::string& one : account.addresses) {
        const auto address = parse_mail_address(one);
        if (address && is_own_domain(view.config(), address->domain)) {
            return one;
        }
    }
    return account.login;
}

std::string setup(const View& view, const My& my) {
    const std::string own = setup_address(view, my.account);
    const std::string page = "setup?address=" + encode_query(own);
    const std::string code =
        qr_svg(view.config().provider.guide_url + view.url(page), view.plain("my.setup.qr"));
    // Thunderbird, Outlook and others find theirs by the address alone (autoconfig, autodiscover).
    const auto address = parse_mail_address(own);
    const std::string profile =
        address && is_own_domain(view.config(), address->domain) &&
                incoming_of(view.config().settings)
            ? fmt::format(
                  "<a class=\"button\" href=\"/mail/apple.mobileconfig?address={}&amp;lang={}\""
                  " download>{}</a>",
                  encode_query(own),
                  sekisho::guide::code(view.language()),
                  view.html("my.setup.apple")
              )
            : "";
    return view.heading(2, "my.setup") + fmt::format(
                                             "<div class=\"beside\"><div>{}<p class=\"actions\"><a "
                                             "class=\"button\" href=\"{}\">{}</a>"
                                             "{}</p></div>{}</div>\n",
                                             view.paragraph("my.setup.text"),
                                             escape_html(view.url(page)),
                                             view.html("my.setup.open"),
                                             profile,
                                             code
                                         );
}

std::string addresses(const View& view, const My& my) {
    std::string items;
    for (const std::string& one : my.account.addresses) {
        items += fmt::format("<li><code>{}</code></li>\n", escape_html(one));
    }
    for (const MyRight& one : my.account.rights) {
        const bool domain = one.address.starts_with('@');
        items += fmt::format(
            "<li><code>{}</code>{}{}</li>\n",
            escape_html(one.address),
            domain ? " " + view.html("my.addresses.domain") : "",
            one.owner.empty()
                ? ""
                : " " + view.html("my.addresses.delegate") + " " + escape_html(one.owner)
        );
    }
    std::string out = view.heading(2, "my.addresses");
    out += items.empty() ? view.paragraph("my.addresses.none", "small")
                         : view.paragraph("my.addresses.text") + "<ul>\n" + items + "</ul>\n";
    return out;
}

std::string_view hue_of(std::string_view state) {
    if (state == "delivered") {
        return "open";
    }
    return state == "bounced" || state == "expired" || state == "dropped" ? "stopped" : "planned";
}

std::string sends(const View& view, const My& my) {
    std::string out = view.heading(2, "my.sends");
    if (!my.account.sends) {
        return out + view.note("my.away", "warn");
    }
    if (my.account.sends->empty()) {
        return out + view.paragraph("my.sends.none", "small");
    }
    std::string rows;
    for (const MySend& one : *my.account.sends) {
        const std::string reply =
            one.reply.empty()
                ? ""
                : fmt::format("<br><span class=\"small\">{}</span>", escape_html(one.reply));
        rows += fmt::format(
            "<tr><th scope=\"row\">{}</th>{}{}</tr>\n",
            escape_html(one.recipient),
            cell(view, "my.when", one.at ? view.time(*one.at) : "–"),
            cell(
                view,
                "my.outcome",
                state(
                    view,
                    hue_of(one.state),
                    known(view, "my.outcome." + one.state, "my.outcome.queued")
                ) + reply
            )
        );
    }
    return out + view.paragraph("my.sends.text", "small") +
           table(view, "sends", {"my.recipient", "my.when", "my.outcome"}, rows);
}

std::string_view place_key(MyLogin::Place place) {
    switch (place) {
        case MyLogin::Place::Line:
            return "my.place.line";
        case MyLogin::Place::Ours:
            return "my.place.ours";
        case MyLogin::Place::Outside:
            break;
    }
    return "my.place.outside";
}

std::string login_outcome(const View& view, const MyLogin& one) {
    if (!one.accepted) {
        std::string out =
            state(view, "stopped", known(view, "my.reason." + one.reason, "my.reason.other"));
        if (one.count > 1) {
            out += fmt::format(" ×{}", one.count);
        }
        return out;
    }
    std::string out = state(view, "open", one.page ? "my.login.page" : "my.login.mail");
    if (!one.app_password.empty()) {
        out += fmt::format(
            "<br><span class=\"small\">{} {}</span>",
            view.html("my.login.device"),
            escape_html(one.app_password)
        );
    }
    return out;
}

std::string logins(const View& view, const My& my) {
    std::string out = view.heading(2, "my.logins");
    if (!my.account.logins) {
        return out + view.note("my.away", "warn");
    }
    std::string rows;
    for (const MyLogin& one : *my.account.logins) {
        rows += fmt::format(
            "<tr><th scope=\"row\">{}</th>{}{}</tr>\n",
            view.time(one.at),
            cell(
                view,
                "my.place",
                fmt::format(
                    "<code>{}</code><br><span class=\"small\">{}</span>",
                    escape_html(one.address),
                    view.html(place_key(one.place))
                )
            ),
            cell(view, "my.outcome", login_outcome(view, one))
        );
    }
    return out + view.paragraph("my.logins.text", "small") +
           (rows.empty() ? view.paragraph("my.logins.none", "small")
                         : table(view, "logins", {"my.when", "my.place", "my.outcome"}, rows));
}

std::string abroad_form(const View& view, const My& my) {
    const bool stays = my.account.stays_home;
    return fmt::format(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"form\""
        " value=\"{}\"><input type=\"hidden\" name=\"stays_home\" value=\"{}\">"
        "<p><button class=\"button\">{}</button></p></form>\n",
        view.url("my/abroad"),
        escape_html(my.form),
        stays ? "0" : "1",
        view.html(stays ? "my.abroad.allow" : "my.abroad.forbid")
    );
}

// What the mail server asks at each MAIL. Where it knows countries, "abroad" is another country;
// else it is whatever isn't our own network.
std::string abroad(const View& view, const My& my) {
    const bool stays = my.account.stays_home;
    const bool countries = !view.config().limits.country_file.empty();
    return view.heading(2, "my.abroad") +
           fmt::format(
               "<p>{}</p>\n",
               state(view, stays ? "stopped" : "open", stays ? "my.abroad.off" : "my.abroad.on")
           ) +
           view.paragraph(countries ? "my.abroad.text" : "my.abroad.network") +
           (stays && !my.account.may_leave ? view.note("my.abroad.locked") : abroad_form(view, my));
}

std::string uses(const View& view, const My& my) {
    std::string out = view.heading(2, "my.limits");
    if (!my.account.uses) {
        return out + view.note("my.away", "warn");
    }
    if (my.account.uses->empty()) {
        return out + view.paragraph("my.limits.none", "small");
    }
    std::string rows;
    for (const MyUse& one : *my.account.uses) {
        const std::string key = "my.limit." + one.limit;
        const auto reset = parse_rfc3339(one.reset);
        rows += fmt::format(
            "<tr><th scope=\"row\">{}</th>{}{}</tr>\n",
            view.has(key) ? view.html(key) : fmt::format("<code>{}</code>", escape_html(one.limit)),
            cell(view, "my.limits.used", fmt::format("{} / {}", one.used, one.allowed)),
            cell(view, "my.limits.reset", reset ? view.time(*reset) : "–")
        );
    }
    return out +
           table(view, "uses", {"my.limits.limit", "my.limits.used", "my.limits.reset"}, rows) +
           view.paragraph("my.limits.text", "small");
}

std::string blocked(const View& view, const My& my) {
    const auto& found = my.account.blocked;
    std::string out = view.heading(2, "my.line");
    if (!found) {
        return out + view.paragraph("my.line.none", "small");
    }
    Sheet sheet;
    sheet.row(view.html("my.line.day"), fmt::format("<strong>{}</strong>", found->day));
    sheet.row(view.html("my.line.week"), fmt::format("<strong>{}</strong>", found->week));
    if (found->last) {
        sheet.row(view.html("my.line.last"), view.time(*found->last));
    }
    return out + view.paragraph("my.line.text") + sheet.html() +
           (found->week > 0 ? view.note("my.line.some") : "");
}

std::string leaving(const View& view, const My& my) {
    Sheet sheet;
    sheet.row(view.html("my.session.since"), view.time(my.account.signed_in));
    sheet.row(
        view.html("my.place"),
        fmt::format("<code>{}</code>", escape_html(my.account.signed_in_from))
    );
    return view.heading(2, "my.session") + sheet.html() +
           fmt::format(
               "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"form\""
               " value=\"{}\"><p><button class=\"button\">{}</button></p></form>\n",
               view.url("my/sign-out-everywhere"),
               escape_html(my.form),
               view.html("my.session.everywhere")
           ) +
           view.paragraph("my.session.text", "small");
}

}  // namespace

std::string my_closed_page(const View& view, Facts&) {
    return view.heading(1, "my.title") + view.note("my.closed", "warn");
}

std::string my_overview(const View& view, const My& my) {
    return conduct(view, my) + setup(view, my) + sends(view, my) + logins(view, my) +
           abroad(view, my) + uses(view, my) + blocked(view, my) + addresses(view, my) +
           leaving(view, my);
}

}  // namespace sekisho::guide
