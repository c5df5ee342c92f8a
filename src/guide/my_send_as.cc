// Addresses elsewhere that the account may send as: asked for, proven by a mailed code, taken away.
#include "guide/my.h"
#include "guide/my_page.h"
#include "guide/view.h"

#include <fmt/format.h>

#include <string>

namespace sekisho::guide {
namespace {

std::string remove(const View& view, const My& my, const MySendAs& one) {
    return fmt::format(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"form\" value=\"{}\">"
        "<input type=\"hidden\" name=\"do\" value=\"remove\">"
        "<input type=\"hidden\" name=\"address\" value=\"{}\">"
        "<button class=\"button small-button\">{} <span class=\"unseen\">{}</span></button>"
        "</form>",
        view.url("my/sendas"),
        escape_html(my.form),
        escape_html(one.address),
        view.html("my.sendas.remove"),
        escape_html(one.address)
    );
}

std::string rows(const View& view, const My& my) {
    std::string out;
    for (const MySendAs& one : *my.send_as) {
        const std::string outlook = "my.sendas.outlook." + one.outlook;
        out += fmt::format(
            "<tr><th scope=\"row\">{}</th><td data-label=\"{}\"><span class=\"state {}\">{}</span>"
            "{}</td><td>{}</td></tr>\n",
            escape_html(one.address),
            escape_html(view.plain("my.outcome")),
            one.proven ? "open" : "planned",
            view.html(one.proven ? "my.sendas.proven" : "my.sendas.waits"),
            view.has(outlook) ? "<br><span class=\"small\">" + view.html(outlook) + "</span>" : "",
            remove(view, my, one)
        );
    }
    return out;
}

}  // namespace

std::string my_send_as(const View& view, const My& my) {
    std::string out = view.paragraph("my.sendas.text");
    if (!my.advice.empty()) {
        out += fmt::format(
            "<section class=\"note {}\" aria-labelledby=\"advice\">\n<h2 id=\"advice\">{}</h2>\n"
            "<p>{}</p>\n</section>\n",
            my.advice_good ? "good" : "warn",
            view.html("my.sendas.advice"),
            escape_html(my.advice)
        );
    }
    if (!my.send_as) {
        return out + view.note("my.away", "warn");
    }
    if (my.send_as->empty()) {
        out += view.paragraph("my.sendas.none", "small");
    } else {
        out += fmt::format(
            "<table class=\"stack\">\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>"
            "<td></td></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n",
            view.html("my.sendas.address"),
            view.html("my.outcome"),
            rows(view, my)
        );
    }
    return out + view.heading(2, "my.sendas.add") +
           my_form(
               view,
               my,
               "my/sendas",
               fmt::format(
                   "<input type=\"hidden\" name=\"do\" value=\"add\">\n"
                   "<label for=\"address\">{}</label>\n"
                   "<input id=\"address\" name=\"address\" type=\"email\" autocomplete=\"off\" "
                   "maxlength=\"254\" required value=\"{}\">\n"
                   "<p><button class=\"button primary\">{}</button></p>\n",
                   view.html("my.sendas.address"),
                   escape_html(my.typed),
                   view.html("my.sendas.send")
               )
           ) +
           view.note("my.sendas.code", "good");
}

}  // namespace sekisho::guide
