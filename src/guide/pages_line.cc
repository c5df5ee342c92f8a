// Pages that know the reader's own line: start, check, affected.
#include "guide/pages.h"
#include "guide/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace sekisho::guide {
namespace {

std::string state(const View& view, std::string_view key) {
    const std::string_view kind = key.substr(key.find('.') + 1);
    return fmt::format("<span class=\"state {}\">{}</span>", kind, view.html(key));
}

std::string state(const View& view, const Port25& port) {
    return state(view, action_key(port));
}

std::string family(const View& view, bool v4) {
    return view.html(v4 ? "word.ipv4" : "word.ipv6");
}

std::string verdict_card(const View& view, const Standing& standing, bool buttons) {
    const std::string_view kind = verdict_kind(standing);
    const std::string key = fmt::format("verdict.{}", kind);
    std::string out = fmt::format(
        "<section class=\"verdict {0}\" aria-labelledby=\"verdict\">\n{1}\n<div>\n"
        "<p class=\"label\">{2}</p>\n<h2 id=\"verdict\">{3}</h2>\n<p>{4}</p>\n",
        kind,
        sign(kind),
        view.html("verdict.label"),
        view.html(key + ".title"),
        view.html(key + ".text")
    );
    out += fmt::format(
        "<p class=\"meta\"><code>{}</code> <span>{}</span> <span>{}</span></p>\n",
        escape_html(view.value("peer")),
        family(view, view.request().peer.is_v4()),
        class_label(view, standing)
    );
    if (buttons) {
        out += fmt::format(
            "<p class=\"actions\">{} {}</p>\n",
            view.button("settings", "verdict.fix"),
            view.button("check", "verdict.more", false)
        );
    }
    return out + "</div>\n</section>\n";
}

std::string ports_table(const View& view, const Standing& standing) {
    const auto& settings = view.config().settings;
    std::string rows;
    const auto row =
        [&rows](const std::string& port, const std::string& use, const std::string& is) {
            rows += fmt::format(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n", port, use, is
            );
        };
    row("25", view.html("check.25.others"), state(view, standing.to_others));
    if (standing.to_us) {
        row("25", view.html("check.25.us"), state(view, *standing.to_us));
    }
    const std::string works = state(view, "action.passes");
    if (settings.submissions_port != 0) {
        row(std::to_string(settings.submissions_port), view.html("check.465"), works);
    }
    if (settings.submission_port != 0) {
        row(std::to_string(settings.submission_port), view.html("check.587"), works);
    }
    return fmt::format(
        "<table class=\"ports\">\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>"
        "<th scope=\"col\">{}</th></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n",
        view.html("check.port"),
        view.html("check.use"),
        view.html("check.state"),
        rows
    );
}

std::string counted(const View& view, std::int64_t count) {
    if (count == 0) {
        return view.html("check.own.none");
    }
    View named = view;
    named.set("n", std::to_string(count));
    return fmt::format("<strong>{}</strong>", named.html("check.own.count"));
}

std::string record_table(const View& view, const OwnLine& line) {
    Sheet sheet;
    sheet.row(view.html("check.own.blocked"), counted(view, line.blocked));
    if (line.would_block > 0) {
        sheet.row(view.html("check.own.would"), counted(view, line.would_block));
    }
    if (line.last_try) {
        sheet.row(view.html("check.own.last"), view.time(*line.last_try));
    }
    sheet.row(view.html("check.own.refused"), counted(view, line.logins_refused));
    if (line.last_login_refused) {
        sheet.row(view.html("check.own.login_refused"), view.time(*line.last_login_refused));
    }
    if (line.last_login_accepted) {
        sheet.row(view.html("check.own.login_accepted"), view.time(*line.last_login_accepted));
    }
    std::string out = sheet.html();
    if (line.blocked + line.would_block > 0) {
        out += view.note("check.own.some");
    }
    if (line.logins_refused > 0) {
        out += view.note("check.own.wrong_login");
    }
    return out;
}

std::string prefixes_table(const View& view, const OwnLine& line) {
    std::string rows;
    for (const auto& [prefix, standing] : line.prefixes) {
        rows += fmt::format(
            "<tr><th scope=\"row\"><code>{}</code></th><td data-label=\"{}\">{}</td>"
            "<td data-label=\"25\">{}</td></tr>\n",
            escape_html(prefix.text()),
            escape_html(view.plain("check.class")),
            class_label(view, standing),
            state(view, standing.to_others)
        );
    }
    return fmt::format(
        "{}<table class=\"stack\">\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>"
        "<th scope=\"col\">25</th></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n",
        view.heading(2, "check.own.prefixes"),
        view.html("check.own.prefix"),
        view.html("check.class"),
        rows
    );
}

std::string record(const View& view, const Result<OwnLine>& found) {
    const std::string heading = view.heading(2, "check.own");
    if (!found) {
        return heading + view.note("check.own.away", "warn");
    }
    switch (found->known) {
        case OwnLine::Known::Shared:
            return heading + view.note("check.own.shared");
        case OwnLine::Known::Nobody:
            return heading + view.note("check.own.nobody");
        case OwnLine::Known::Line:
        case OwnLine::Known::Address:
            break;
    }
    const std::string table = heading + record_table(view, *found);
    return found->prefixes.empty() ? table : table + prefixes_table(view, *found);
}

std::string commands(const View& view) {
    const auto& settings = view.config().settings;
    std::string windows;
    std::string shell;
    if (settings.submissions_port != 0) {
        windows += fmt::format(
            "Test-NetConnection {} -Port {}\n", settings.outgoing_host, settings.submissions_port
        );
        shell += fmt::format(
            "openssl s_client -connect {}:{}\n", settings.outgoing_host, settings.submissions_port
        );
    }
    if (settings.submission_port != 0) {
        windows += fmt::format(
            "Test-NetConnection {} -Port {}\n", settings.outgoing_host, settings.submission_port
        );
        shell += fmt::format(
            "openssl s_client -starttls smtp -connect {}:{}\n",
            settings.outgoing_host,
            settings.submission_port
        );
    }
    return fmt::format(
        "{}{}<h3>{}</h3>\n<pre tabindex=\"0\"><code>{}</code></pre>\n<h3>{}</h3>\n"
        "<pre tabindex=\"0\"><code>{}</code></pre>\n",
        view.heading(2, "check.commands"),
        view.paragraph("check.commands.text"),
        view.html("check.commands.windows"),
        escape_html(windows),
        view.html("check.commands.unix"),
        escape_html(shell)
    );
}

}  // namespace

std::string start_page(const View& view, Facts& facts) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kCases{{
        {"own", "settings"},
        {"other", "remedies"},
        {"device", "servers"},
        {"error", "affected#errors"},
    }};
    std::string out = view.heading(1, "start.title");
    out += verdict_card(view, facts.standing(view.request().peer), true);
    out += view.paragraph("start.lead", "lead");
    out += view.heading(2, "start.choose");
    out += "<ul class=\"cards\">\n";
    for (const auto& [name, page] : kCases) {
        const std::string key = fmt::format("start.case.{}", name);
        out += fmt::format(
            "<li><a href=\"{}\"><strong>{}</strong><span>{}</span></a></li>\n",
            view.url(page),
            view.html(key + ".title"),
            view.html(key + ".text")
        );
    }
    out += "</ul>\n";
    return out + view.heading(2, "start.why") + view.paragraph("start.why.text");
}

std::string check_page(const View& view, Facts& facts) {
    const IpAddress& peer = view.request().peer;
    const Standing standing = facts.standing(peer);
    std::string out = view.heading(1, "check.title") + view.paragraph("check.lead", "lead");
    out += verdict_card(view, standing, false);

    out += view.heading(2, "check.result");
    Sheet sheet;
    sheet.row(view.html("check.address"), fmt::format("<code>{}</code>", escape_html(peer.text())));
    sheet.row(view.html("check.family"), family(view, peer.is_v4()));
    sheet.row(view.html("check.class"), class_label(view, standing));
    if (standing.in_force) {
        sheet.row(view.html("check.in_force"), view.time(*standing.in_force));
    }
    if (standing.to_others.closes && !standing.outside) {
        sheet.row(view.html("check.closes"), view.time(*standing.to_others.closes));
    }
    out += sheet.html();
    out += view.paragraph("check.family.note", "small");
    if (standing.class_name == "roaming") {
        out += view.note("class.roaming.text");
    }
    out += view.heading(2, "check.ports") + ports_table(view, standing);
    if (!standing.outside) {
        out += record(view, facts.own_line(peer, view.request().now));
    }
    return out + commands(view);
}

std::string affected_page(const View& view, Facts& facts) {
    const std::string own = facts.standing(view.request().peer).class_name;
    std::vector<std::string> names{"subscribers", "static", "roaming"};
    if (std::ranges::find(names, own) == names.end() && own != "outside") {
        names.push_back(own);
    }
    names.emplace_back("outside");
    std::string rows;
    for (const std::string& name : names) {
        const auto standing = facts.class_standing(name);
        if (!standing) {
            continue;
        }
        const std::string yours =
            name == own ? fmt::format(" <em class=\"yours\">{}</em>", view.html("affected.yours"))
                        : "";
        rows += fmt::format(
            "<tr{0}><th scope=\"row\">{1}{2}</th><td data-label=\"{3}\">{4}</td>"
            "<td data-label=\"{5}\">{6}</td><td data-label=\"{7}\">{8}</td></tr>\n",
            name == own ? " class=\"own\"" : "",
            class_label(view, *standing),
            yours,
            escape_html(view.plain("affected.others")),
            standing->outside ? "–" : state(view, standing->to_others),
            escape_html(view.plain("affected.us")),
            standing->to_us ? state(view, *standing->to_us) : "–",
            escape_html(view.plain("affected.submission")),
            state(view, "action.passes")
        );
    }
    std::string out = view.heading(1, "affected.title") + view.paragraph("affected.lead", "lead");
    out += view.heading(2, "affected.table");
    out += fmt::format(
        "<table class=\"lines stack\">\n<thead><tr><th scope=\"col\">{}</th><th "
        "scope=\"col\">{}</th>"
        "<th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead>\n<tbody>\n{}</tbody>\n"
        "</table>\n",
        view.html("affected.line"),
        view.html("affected.others"),
        view.html("affected.us"),
        view.html("affected.submission"),
        rows
    );
    out += view.heading(2, "affected.keep") + view.list("affected.keep");
    out += fmt::format(
        "<h2 id=\"errors\">{}</h2>\n<dl class=\"errors\">\n", view.html("affected.errors")
    );
    for (const std::string_view error : {"e1", "e2", "e3", "e4", "e5"}) {
        const std::string key = fmt::format("affected.{}", error);
        out += fmt::format(
            "<div><dt>{}</dt><dd><span>{}</span> {}</dd><dd><span>{}</span> {}</dd></div>\n",
            view.html(key),
            view.html("affected.cause"),
            view.html(key + ".cause"),
            view.html("affected.step"),
            view.html(key + ".step")
        );
    }
    return out + "</dl>\n";
}

}  // namespace sekisho::guide
