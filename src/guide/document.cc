// The frame around every page, and the small words about a line that several pages share.
#include "base/bytes.h"
#include "guide/asset.h"
#include "guide/pages.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace sekisho::guide {
namespace {

constexpr std::array<Page, 28> kPages{{
    {"", "start", start_page, true},
    {"check", "check", check_page, true},
    {"affected", "affected", affected_page, true},
    {"remedies", "remedies", remedies_page, true},
    {"settings", "settings", settings_page, true},
    {"setup", "setup", setup_page, true},
    {"my", "my", my_closed_page, true},
    {"my/password", "my", my_closed_page, false},
    {"my/devices", "my", my_closed_page, false},
    {"my/sendas", "my", my_closed_page, false},
    {"my/exemption", "my", my_closed_page, false},
    {"programs", "programs", programs_page, true},
    {"thunderbird", "thunderbird", program_page<Program::Thunderbird>, false},
    {"outlook", "outlook", program_page<Program::Outlook>, false},
    {"outlook-new", "outlook-new", program_page<Program::OutlookNew>, false},
    {"apple-mail", "apple-mail", program_page<Program::AppleMail>, false},
    {"iphone", "iphone", program_page<Program::Iphone>, false},
    {"gmail", "gmail", program_page<Program::Gmail>, false},
    {"android", "android", program_page<Program::Android>, false},
    {"devices", "devices", devices_page, false},
    {"op25b", "op25b", op25b_page, true},
    {"ip25b", "ip25b", ip25b_page, true},
    {"servers", "servers", servers_page, true},
    {"contact", "contact", contact_page, true},
    {"refused", "refused", refused_page, false},
    {"login", "login", login_page, false},
    {"limits", "limits", limits_page, false},
    {"sendas", "sendas", send_as_page, false},
}};

// What the other language's link must carry to show the same.
std::string kept_query(const View& view) {
    const std::string reference = reference_of(view);
    if (!reference.empty()) {
        return "?ref=" + reference;
    }
    const std::string_view address = query_value(view, "address");
    return address.empty() ? "" : "?address=" + encode_query(address);
}

std::string menu(const View& view, std::string_view current) {
    std::string items;
    for (const Page& page : kPages) {
        if (!page.in_menu) {
            continue;
        }
        items += fmt::format(
            "<li><a href=\"{}\"{}>{}</a></li>\n",
            view.url(page.path),
            page.path == current || current.starts_with(fmt::format("{}/", page.name))
                ? " aria-current=\"page\""
                : "",
            view.html(fmt::format("nav.{}", page.name))
        );
    }
    return fmt::format(
        "<nav id=\"menu\" aria-label=\"{}\">\n<ul>\n{}</ul>\n</nav>\n",
        escape_html(view.plain("site.nav")),
        items
    );
}

std::string footer(const View& view) {
    const auto& provider = view.config().provider;
    std::string contact;
    if (!provider.support_mail.empty()) {
        contact +=
            fmt::format(" <a href=\"mailto:{0}\">{0}</a>", escape_html(provider.support_mail));
    }
    for (const std::string& text : {provider.support_phone, provider.support_hours}) {
        if (!text.empty()) {
            contact += fmt::format(" <span>{}</span>", escape_html(text));
        }
    }
    return fmt::format(
        "<footer>\n<p><strong>{}</strong>{}</p>\n<p>{}</p>\n</footer>\n",
        view.html("site.help"),
        contact,
        view.html("site.footer")
    );
}

}  // namespace

std::span<const Page> all_pages() {
    return kPages;
}

const Page* find_page(std::string_view path) {
    for (const Page& page : kPages) {
        if (page.path == path) {
            return &page;
        }
    }
    return nullptr;
}

std::string_view query_value(const View& view, std::string_view name) {
    const auto found = view.request().query.find(std::string(name));
    return found == view.request().query.end() ? std::string_view{} : found->second;
}

std::string_view verdict_kind(const Standing& standing) {
    if (standing.outside) {
        return "outside";
    }
    const Port25& port = standing.to_others;
    if (!port.stops() && !port.limits()) {
        return "open";
    }
    if (!port.enforced()) {
        return "planned";
    }
    return port.stops() ? "stopped" : "limited";
}

std::string_view action_key(const Port25& port) {
    if (!port.stops() && !port.limits()) {
        return "action.passes";
    }
    switch (port.stage) {
        case policy::Stage::Observe:
            return "action.observe";
        case policy::Stage::Notify:
            return "action.notify";
        case policy::Stage::Enforce:
            break;
    }
    return port.stops() ? "action.stopped" : "action.limited";
}

std::string class_label(const View& view, const Standing& standing) {
    const std::string key = "class." + (standing.outside ? "outside" : standing.class_name);
    // Only plain class names are keys: "roaming.text" is a sentence of ours, no class.
    if (!key.substr(6).contains('.') && key != "class.other" && view.has(key)) {
        return view.html(key);
    }
    if (!standing.class_note.empty()) {
        return escape_html(standing.class_note);
    }
    View named = view;
    named.set("class", standing.class_name);
    return named.html("class.other");
}

std::string document(
    const View& view, std::string_view path, std::string_view title_key, const std::string& body
) {
    static const std::string kVersion = hex(sha256(asset::guide_css)).substr(0, 12);
    const Language other = view.language() == Language::Ja ? Language::En : Language::Ja;
    const std::string there = fmt::format(
        "/{}/{}{}", code(other), find_page(path) != nullptr ? path : "", kept_query(view)
    );
    const std::string title = view.plain(title_key);
    return fmt::format(
        R"(<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} | {provider}</title>
<link rel="stylesheet" href="/guide.css?v={version}">
<link rel="icon" type="image/svg+xml" href="/icon.svg">
<link rel="alternate" hreflang="{other}" href="{there}">
</head>
<body>
<a class="skip" href="#main">{skip}</a>
<header>
<div class="inner">
<a class="brand" href="{home}"><img src="/icon.svg" width="32" height="32" alt=""><span><strong>{provider}</strong> <span>{site}</span></span></a>
<p class="tools"><a class="to-menu" href="#menu">{menu_word}</a> <a lang="{other}" hreflang="{other}" href="{there}">{switch_word}</a></p>
</div>
</header>
<div class="frame">
<main id="main" tabindex="-1">
{body}</main>
{menu}</div>
{footer}</body>
</html>
)",
        fmt::arg("lang", code(view.language())),
        fmt::arg("title", escape_html(title)),
        fmt::arg("provider", escape_html(view.value("provider"))),
        fmt::arg("version", kVersion),
        fmt::arg("other", code(other)),
        fmt::arg("there", escape_html(there)),
        fmt::arg("skip", view.html("site.skip")),
        fmt::arg("home", view.url("")),
        fmt::arg("site", view.html("site.title")),
        fmt::arg("menu_word", view.html("site.menu")),
        fmt::arg("switch_word", view.html("site.switch")),
        fmt::arg("body", body),
        fmt::arg("menu", menu(view, path)),
        fmt::arg("footer", footer(view))
    );
}

}  // namespace sekisho::guide
