// Pages that explain: what the two blockings are, what to do, whom to ask.
#include "base/bytes.h"
#include "guide/pages.h"
#include "guide/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::guide {
namespace {

// A relay's settings with authentication and a verified certificate.
std::string postfix_example(const View& view) {
    const auto& settings = view.config().settings;
    const bool starttls = settings.submission_port != 0;
    return fmt::format(
        "# /etc/postfix/main.cf\n"
        "relayhost = [{0}]:{1}\n"
        "smtp_sasl_auth_enable = yes\n"
        "smtp_sasl_password_maps = hash:/etc/postfix/relay_password\n"
        "smtp_sasl_security_options = noanonymous\n"
        "smtp_tls_security_level = secure\n"
        "smtp_tls_CApath = /etc/ssl/certs\n{3}"
        "\n# /etc/postfix/relay_password  (chmod 600, postmap)\n"
        "[{0}]:{1} {2}:PASSWORD\n",
        settings.outgoing_host,
        view.value("relay_port"),
        view.value("user"),
        starttls ? "" : "smtp_tls_wrappermode = yes\n"
    );
}

std::string msmtp_example(const View& view) {
    const auto& settings = view.config().settings;
    return fmt::format(
        "# ~/.msmtprc  (chmod 600)\n"
        "account default\n"
        "host {}\n"
        "port {}\n"
        "tls on\n"
        "tls_starttls {}\n"
        "auth on\n"
        "user {}\n"
        "passwordeval \"secret-tool lookup mail {}\"\n"
        "from {}\n",
        settings.outgoing_host,
        view.value("port"),
        settings.submissions_port != 0 ? "off" : "on",
        view.value("user"),
        view.value("user"),
        view.value("user")
    );
}

// "tel:" keeps digits and a leading '+' only (RFC 3966 §3).
std::string dial(std::string_view phone) {
    std::string out;
    for (const char c : phone) {
        if ((c >= '0' && c <= '9') || (c == '+' && out.empty())) {
            out += c;
        }
    }
    return out;
}

}  // namespace

std::string op25b_page(const View& view, Facts&) {
    return view.heading(1, "op25b.title") + view.paragraph("op25b.lead", "lead") +
           outbound_diagram(view) + view.heading(2, "op25b.why") +
           view.paragraph("op25b.why.text") + view.heading(2, "op25b.who") +
           view.list("op25b.who") + view.heading(2, "op25b.problem") + view.list("op25b.problem") +
           view.note("op25b.keep", "good") + view.heading(2, "op25b.next") +
           view.paragraph("op25b.next.text");
}

std::string ip25b_page(const View& view, Facts&) {
    return view.heading(1, "ip25b.title") + view.paragraph("ip25b.lead", "lead") +
           inbound_diagram(view) + view.heading(2, "ip25b.why") + view.paragraph("ip25b.why.text") +
           view.heading(2, "ip25b.problem") + view.list("ip25b.problem") +
           view.heading(2, "ip25b.next") + view.list("ip25b.next", true) +
           view.paragraph("ip25b.next.text");
}

std::string remedies_page(const View& view, Facts&) {
    return view.heading(1, "remedies.title") + view.paragraph("remedies.lead", "lead") +
           view.note("remedies.own", "good") + view.heading(2, "remedies.1") +
           view.paragraph("remedies.1.when") + view.list("remedies.1", true) +
           view.paragraph("remedies.1.note") + view.heading(2, "remedies.2") +
           view.paragraph("remedies.2.when") + view.list("remedies.2", true) +
           view.note("remedies.2.note", "warn") + view.heading(2, "remedies.after") +
           view.paragraph("remedies.after.text");
}

std::string servers_page(const View& view, Facts& facts) {
    std::string out = view.heading(1, "servers.title") + view.paragraph("servers.lead", "lead") +
                      view.heading(2, "servers.relay") + view.paragraph("servers.relay.text") +
                      view.example("servers.postfix", postfix_example(view)) +
                      view.example("servers.msmtp", msmtp_example(view)) +
                      view.heading(2, "servers.device") + view.paragraph("servers.device.text") +
                      view.heading(2, "servers.static");
    if (const auto fixed = facts.class_standing("static")) {
        const std::string_view key = action_key(fixed->to_others);
        out += fmt::format(
            "<p>{} <span class=\"state {}\">{}</span></p>\n",
            view.html("servers.static.stands"),
            key.substr(key.find('.') + 1),
            view.html(key)
        );
    }
    return out + view.paragraph("servers.static.text") + view.heading(2, "servers.exempt") +
           view.paragraph("servers.exempt.text") + view.list("servers.exempt") +
           view.note("servers.exempt.note");
}

std::string contact_page(const View& view, Facts&) {
    const auto& provider = view.config().provider;
    std::string out = view.heading(1, "contact.title") + view.paragraph("contact.lead", "lead");
    Sheet sheet;
    if (!provider.support_mail.empty()) {
        sheet.row(
            view.html("contact.mail"),
            fmt::format(
                R"(<a href="mailto:{}">{}</a>)",
                escape_html(provider.support_mail),
                escape_html(provider.support_mail)
            )
        );
    }
    if (!provider.support_phone.empty()) {
        sheet.row(
            view.html("contact.phone"),
            fmt::format(
                R"(<a href="tel:{}">{}</a>)",
                dial(provider.support_phone),
                escape_html(provider.support_phone)
            )
        );
    }
    if (!provider.support_hours.empty()) {
        sheet.row(view.html("contact.hours"), escape_html(provider.support_hours));
    }
    if (!sheet.empty()) {
        out += sheet.html();
    }
    return out + view.heading(2, "contact.tell") + view.list("contact.tell") +
           view.note("contact.never", "warn");
}

std::string reference_of(const View& view) {
    static constexpr std::size_t kReferenceMax = 40;
    const std::string_view text = query_value(view, "ref");
    const bool sound =
        !text.empty() && text.size() <= kReferenceMax && std::ranges::all_of(text, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                   c == '-';
        });
    return sound ? std::string(text) : std::string();
}

std::string refused_page(const View& view, Facts& facts) {
    std::string out = view.heading(1, "refused.title") + view.paragraph("refused.lead", "lead");
    const std::string reference = reference_of(view);
    if (!reference.empty()) {
        Sheet sheet;
        sheet.row(
            view.html("refused.reference"),
            fmt::format("<code class=\"reference\">{}</code>", escape_html(reference))
        );
        if (const auto at = facts.refused_at(reference, view.request().peer)) {
            sheet.row(view.html("refused.at"), view.time(*at));
        }
        out += sheet.html() + view.paragraph("refused.reference.text", "small");
    }
    return out + view.heading(2, "refused.do") + view.list("refused.do", true) +
           fmt::format("<p class=\"actions\">{}</p>\n", view.button("settings", "refused.show")) +
           view.heading(2, "refused.server") + view.paragraph("refused.server.text");
}

// One section for each reply of the mail server to a login; the replies point to their own
// (mail/rules.h, with_help()).
std::string login_page(const View& view, Facts& /*facts*/) {
    constexpr std::array<std::pair<int, std::string_view>, 6> kReplies{
        {{535, "5.7.8"},
         {534, "5.7.9"},
         {530, "5.7.0"},
         {538, "5.7.11"},
         {525, "5.7.13"},
         {454, "4.7.0"}}
    };
    std::string out = view.heading(1, "login.title") + view.paragraph("login.lead", "lead");
    for (const auto& [code, enhanced] : kReplies) {
        const std::string key = fmt::format("login.{}", code);
        out += fmt::format(
            "<section id=\"{1}\">\n{2}<p class=\"meta\"><code>{0} {1}</code></p>\n{3}</section>\n",
            code,
            enhanced,
            view.heading(2, key),
            view.paragraph(key + ".text")
        );
    }
    return out +
           fmt::format("<p class=\"actions\">{}</p>\n", view.button("settings", "refused.show"));
}

std::string limits_page(const View& view, Facts& /*facts*/) {
    return view.heading(1, "limits.title") + view.paragraph("limits.lead", "lead") +
           view.heading(2, "limits.read") + view.list("limits.read") +
           view.heading(2, "limits.do") + view.list("limits.do", true) +
           view.heading(2, "limits.why") + view.paragraph("limits.why.text");
}

}  // namespace sekisho::guide
