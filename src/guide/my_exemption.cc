// A mail server of one's own: the criteria, the request, and what became of it.
#include "guide/my.h"
#include "guide/my_page.h"
#include "guide/view.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace sekisho::guide {
namespace {

std::string state(const View& view, std::string_view hue, const std::string& key) {
    return fmt::format("<span class=\"state {}\">{}</span>", hue, view.html(key));
}

std::string_view hue_of(std::string_view state) {
    if (state == "granted" || state == "passed") {
        return "open";
    }
    return state == "asked" || state == "waiting" || state == "unknown" ? "planned" : "stopped";
}

std::string findings(const View& view, const MyRequest& request) {
    std::string rows;
    for (const MyFinding& one : request.findings) {
        rows += fmt::format(
            "<tr><th scope=\"row\">{}</th><td data-label=\"{}\">{}<br><span class=\"small\">{}"
            "</span></td></tr>\n",
            view.html("my.exemption.check." + one.check),
            escape_html(view.plain("my.outcome")),
            state(view, hue_of(one.mark), "my.exemption.mark." + one.mark),
            escape_html(one.detail)
        );
    }
    return rows.empty() ? "" : "<table class=\"stack\">\n<tbody>\n" + rows + "</tbody>\n</table>\n";
}

std::string withdraw(const View& view, const My& my, const MyRequest& request) {
    if (!request.open) {
        return "";
    }
    return fmt::format(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"form\" value=\"{}\">"
        "<input type=\"hidden\" name=\"do\" value=\"withdraw\">"
        "<input type=\"hidden\" name=\"id\" value=\"{}\"><p><button "
        "class=\"button\">{}</button></p>"
        "</form>\n",
        view.url("my/exemption"),
        escape_html(my.form),
        request.id,
        view.html(request.state == "granted" ? "my.exemption.close" : "my.exemption.withdraw")
    );
}

std::string request(const View& view, const My& my, const MyRequest& one) {
    Sheet sheet;
    sheet.row(
        view.html("my.outcome"), state(view, hue_of(one.state), "my.exemption.state." + one.state)
    );
    sheet.row(view.html("my.exemption.domain"), escape_html(one.domain));
    sheet.row(view.html("my.exemption.reason"), escape_html(one.reason));
    sheet.row(view.html("my.when"), view.time(one.created));
    if (one.until) {
        sheet.row(view.html("my.exemption.until"), view.time(*one.until));
    }
    if (!one.why.empty() && one.findings.empty()) {
        sheet.row(view.html("my.exemption.why"), escape_html(one.why));
    }
    return fmt::format("<h3><code>{}</code></h3>\n", escape_html(one.address)) + sheet.html() +
           findings(view, one) + withdraw(view, my, one);
}

std::string text_field(
    const View& view, std::string_view name, std::string_view label, const std::string& value
) {
    return fmt::format(
        "<label for=\"{0}\">{1}</label>\n<input id=\"{0}\" name=\"{0}\" type=\"text\""
        " autocomplete=\"off\" maxlength=\"300\" required value=\"{2}\">\n",
        name,
        view.html(label),
        escape_html(value)
    );
}

std::string ask(const View& view, const My& my) {
    const MyExemption& found = my.exemption;
    for (const MyRequest& one : found.requests) {
        if (one.open) {
            return "";
        }
    }
    if (found.address.empty()) {
        return view.heading(2, "my.exemption.ask") + view.note("my.exemption.elsewhere", "warn");
    }
    return view.heading(2, "my.exemption.ask") +
           my_form(
               view,
               my,
               "my/exemption",
               fmt::format(
                   "<input type=\"hidden\" name=\"do\" value=\"ask\">\n<p>{} <code>{}</code></p>\n",
                   view.html("my.exemption.address"),
                   escape_html(found.address)
               ) + text_field(view, "domain", "my.exemption.domain", found.typed_domain) +
                   text_field(view, "reason", "my.exemption.reason", found.typed_reason) +
                   fmt::format(
                       "<p><button class=\"button primary\">{}</button></p>\n",
                       view.html("my.exemption.send")
                   )
           );
}

}  // namespace

std::string my_exemption(const View& view, const My& my) {
    View numbers = view;
    numbers.set("days", std::to_string(my.exemption.days));
    std::string out =
        numbers.paragraph("my.exemption.text") + view.heading(2, "my.exemption.criteria") +
        numbers.list("my.exemption.criteria") +
        view.paragraph(my.exemption.automatic ? "my.exemption.automatic" : "my.exemption.staff");
    out += ask(view, my);
    if (!my.exemption.requests.empty()) {
        out += view.heading(2, "my.exemption.requests");
        for (const MyRequest& one : my.exemption.requests) {
            out += request(view, my, one);
        }
    }
    return out;
}

}  // namespace sekisho::guide
