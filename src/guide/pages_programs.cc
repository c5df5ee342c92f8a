// Setting up program by program, and devices and scripts that send by themselves. A program is a
// name for its texts and the fields of its settings window; the values come from the one model.
#include "guide/pages.h"
#include "guide/picture.h"
#include "guide/view.h"
#include "guide/window.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::guide {
namespace {

// A row of a settings window. `value`: "=name" a value of View, "" dots for a password, "on" and
// "off" of a tick, else a key. `mark`: the key of what its number says; "" no number.
struct Field {
    enum class Kind : std::uint8_t { Text, Number, Choice, Tick, Section };
    Kind kind;
    std::string_view label, value, mark;
};
using enum Field::Kind;

struct Told {
    std::string_view name;          // of its page and its texts
    std::span<const Field> fields;  // none: the picture is drawn elsewhere
    std::string_view fresh;         // key: how an account is added with least work; "" none
};

constexpr auto kOutlook = std::to_array<Field>({
    {Section, "outlook.section", "", ""},
    {Text, "outlook.server", "=outgoing", "picture.m.server"},
    {Number, "outlook.port", "=port", "picture.m.port"},
    {Choice, "outlook.security", "=security", "picture.m.security"},
    {Tick, "outlook.spa", "off", "outlook.m.spa"},
    {Tick, "outlook.needs", "on", "outlook.m.needs"},
    {Tick, "outlook.same", "on", ""},
});
constexpr auto kOutlookNew = std::to_array<Field>({
    {Text, "outlook-new.user", "=user", "picture.m.user"},
    {Text, "outlook-new.password", "", ""},
    {Text, "outlook-new.server", "=outgoing", "picture.m.server"},
    {Number, "outlook-new.port", "=port", "picture.m.port"},
    {Choice, "outlook-new.security", "=security", "picture.m.security"},
});
constexpr auto kAppleMail = std::to_array<Field>({
    {Section, "apple-mail.section", "", ""},
    {Text, "apple-mail.user", "=user", "picture.m.user"},
    {Text, "apple-mail.password", "", ""},
    {Text, "apple-mail.server", "=outgoing", "picture.m.server"},
    {Tick, "apple-mail.auto", "off", "apple-mail.m.auto"},
    {Number, "apple-mail.port", "=port", "picture.m.port"},
    {Tick, "apple-mail.tls", "on", "apple-mail.m.tls"},
    {Choice, "apple-mail.method", "apple-mail.method.value", "apple-mail.m.method"},
});
constexpr auto kIphone = std::to_array<Field>({
    {Tick, "iphone.on", "on", "iphone.m.on"},
    {Text, "iphone.server", "=outgoing", "picture.m.server"},
    {Text, "iphone.user", "=user", "picture.m.user"},
    {Text, "iphone.password", "", ""},
    {Tick, "iphone.tls", "on", "iphone.m.tls"},
    {Choice, "iphone.method", "iphone.method.value", "apple-mail.m.method"},
    {Number, "iphone.port", "=port", "picture.m.port"},
});
constexpr auto kGmail = std::to_array<Field>({
    {Tick, "gmail.needs", "on", "gmail.m.needs"},
    {Text, "gmail.user", "=user", "picture.m.user"},
    {Text, "gmail.password", "", ""},
    {Text, "gmail.server", "=outgoing", "picture.m.server"},
    {Number, "gmail.port", "=port", "picture.m.port"},
    {Choice, "gmail.security", "=security", "picture.m.security"},
});
constexpr auto kAndroid = std::to_array<Field>({
    {Text, "android.server", "=outgoing", "picture.m.server"},
    {Choice, "android.security", "=security", "picture.m.security"},
    {Number, "android.port", "=port", "picture.m.port"},
    {Choice, "android.method", "android.method.value", "picture.m.method"},
    {Text, "android.user", "=user", "picture.m.user"},
    {Text, "android.password", "", ""},
});

// By Program; computers first.
constexpr auto kTold = std::to_array<Told>({
    {"thunderbird", {}, "program.new.auto"},
    {"outlook", kOutlook, ""},
    {"outlook-new", kOutlookNew, ""},
    {"apple-mail", kAppleMail, "program.new.apple"},
    {"iphone", kIphone, "program.new.apple"},
    {"gmail", kGmail, ""},
    {"android", kAndroid, "program.new.auto"},
});
constexpr std::size_t kComputers = 4;

std::string key_of(std::string_view name, std::string_view what) {
    return fmt::format("{}.{}", name, what);
}

std::string shown(const View& view, std::string_view value) {
    if (value.empty()) {
        return "••••••••••";
    }
    return value.starts_with('=') ? view.value(value.substr(1)) : view.plain(value);
}

std::string picture_of(const View& view, const Told& told) {
    if (told.fields.empty()) {
        return thunderbird_picture(view);
    }
    Window window{view.plain(key_of(told.name, "window"))};
    std::vector<std::string> marks;
    for (const Field& field : told.fields) {
        const std::string label = view.plain(field.label);
        int mark = 0;
        if (!field.mark.empty()) {
            marks.push_back(view.html(field.mark));
            mark = static_cast<int>(marks.size());
        }
        switch (field.kind) {
            case Section:
                window.section(label);
                break;
            case Tick:
                window.tick(label, field.value == "on", mark);
                break;
            case Text:
                window.field(label, shown(view, field.value), Window::Kind::Text, mark);
                break;
            case Number:
                window.field(label, shown(view, field.value), Window::Kind::Number, mark);
                break;
            case Choice:
                window.field(label, shown(view, field.value), Window::Kind::Choice, mark);
                break;
        }
    }
    View named = view;
    named.set("title", view.plain(key_of(told.name, "title")));
    const std::string svg = window.finish(
        named.plain("picture.alt"), view.plain("picture.cancel"), view.plain("picture.ok")
    );
    return figure(view.html(key_of(told.name, "title")), view.html("program.picture"), svg, marks);
}

std::string cards(const View& view, std::span<const Told> programs) {
    std::string out = "<ul class=\"cards\">\n";
    for (const Told& one : programs) {
        out += fmt::format(
            "<li><a href=\"{}\"><strong>{}</strong><span>{}</span></a></li>\n",
            view.url(one.name),
            view.html(key_of(one.name, "title")),
            view.html(key_of(one.name, "lead"))
        );
    }
    return out + "</ul>\n";
}

std::string page_of(const View& view, const Told& told) {
    const auto key = [&told](std::string_view what) { return key_of(told.name, what); };
    std::string out = view.heading(1, key("title")) + view.paragraph(key("lead"), "lead") +
                      view.heading(2, "program.steps") + view.list(key("steps"), true) +
                      view.paragraph("program.test") + picture_of(view, told) +
                      view.paragraph("program.names", "small") +
                      view.note("settings.never", "warn") + view.heading(2, "program.traps") +
                      view.list(key("traps"));
    // What a program fetches by itself is there only where mail is received, too.
    if (!told.fresh.empty() && !view.config().settings.incoming_host.empty()) {
        out += view.heading(2, "program.new") + view.paragraph(told.fresh);
    }
    return out + view.heading(2, "program.more") +
           fmt::format("<p class=\"actions\">{}</p>\n", view.button("programs", "nav.programs"));
}

std::string python_example(const View& view) {
    const bool implicit = view.config().settings.submissions_port != 0;
    return fmt::format(
        "import smtplib\nfrom email.message import EmailMessage\n\n"
        "mail = EmailMessage()\n"
        "mail[\"From\"] = \"{0}\"\n"
        "mail[\"To\"] = \"hanako@example.com\"\n"
        "mail[\"Subject\"] = \"Report\"\n"
        "mail.set_content(\"All is well.\")\n"
        "with smtplib.{1}(\"{2}\", {3}) as server:\n{4}"
        "    server.login(\"{0}\", \"PASSWORD\")\n"
        "    server.send_message(mail)\n",
        view.value("user"),
        implicit ? "SMTP_SSL" : "SMTP",
        view.value("outgoing"),
        view.value("port"),
        implicit ? "" : "    server.starttls()\n"
    );
}

std::string node_example(const View& view) {
    const bool implicit = view.config().settings.submissions_port != 0;
    return fmt::format(
        "const transport = require('nodemailer').createTransport({{\n"
        "  host: '{0}', port: {1}, secure: {2}, requireTLS: {3},\n"
        "  auth: {{ user: '{4}', pass: process.env.MAIL_PASSWORD }},\n"
        "}});\n"
        "await transport.sendMail({{\n"
        "  from: '{4}', to: 'hanako@example.com', subject: 'Report', text: 'All is well.',\n"
        "}});\n",
        view.value("outgoing"),
        view.value("port"),
        implicit,
        !implicit,
        view.value("user")
    );
}

std::string php_example(const View& view) {
    const bool implicit = view.config().settings.submissions_port != 0;
    return fmt::format(
        "$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);\n"
        "$mail->isSMTP();\n"
        "$mail->Host = '{0}';\n"
        "$mail->Port = {1};\n"
        "$mail->SMTPSecure = '{2}';\n"
        "$mail->SMTPAuth = true;\n"
        "$mail->Username = '{3}';\n"
        "$mail->Password = getenv('MAIL_PASSWORD');\n"
        "$mail->setFrom('{3}');\n",
        view.value("outgoing"),
        view.value("port"),
        implicit ? "ssl" : "tls",
        view.value("user")
    );
}

std::string curl_example(const View& view) {
    const bool implicit = view.config().settings.submissions_port != 0;
    return fmt::format(
        "curl --url {0}://{1}:{2} --ssl-reqd --user '{3}:PASSWORD' \\\n"
        "  --mail-from {3} --mail-rcpt hanako@example.com --upload-file mail.eml\n",
        implicit ? "smtps" : "smtp",
        view.value("outgoing"),
        view.value("port"),
        view.value("user")
    );
}

}  // namespace

std::string programs_page(const View& view, Facts& /*facts*/) {
    const std::span all{kTold};
    std::string out = view.heading(1, "programs.title") + view.paragraph("programs.lead", "lead") +
                      view.heading(2, "programs.computer") + cards(view, all.first(kComputers)) +
                      view.heading(2, "programs.phone") + cards(view, all.subspan(kComputers));
    constexpr std::array kOther{Told{"devices", {}, ""}};
    return out + view.heading(2, "programs.other") + cards(view, kOther) +
           view.paragraph("programs.unknown") + view.note("programs.web", "good");
}

template <Program P>
std::string program_page(const View& view, Facts& /*facts*/) {
    return page_of(view, kTold.at(static_cast<std::size_t>(P)));
}
template std::string program_page<Program::Thunderbird>(const View&, Facts&);
template std::string program_page<Program::Outlook>(const View&, Facts&);
template std::string program_page<Program::OutlookNew>(const View&, Facts&);
template std::string program_page<Program::AppleMail>(const View&, Facts&);
template std::string program_page<Program::Iphone>(const View&, Facts&);
template std::string program_page<Program::Gmail>(const View&, Facts&);
template std::string program_page<Program::Android>(const View&, Facts&);

std::string devices_page(const View& view, Facts& /*facts*/) {
    Sheet sender;
    sender.row(view.html("devices.sender"), view.html("devices.sender.value"));
    return view.heading(1, "devices.title") + view.paragraph("devices.lead", "lead") +
           view.heading(2, "devices.values") + view.paragraph("devices.values.text") +
           outgoing_table(view, view.html("settings.user.value")) + sender.html() +
           view.heading(2, "program.traps") + view.list("devices.traps") +
           view.heading(2, "devices.scripts") + view.paragraph("devices.scripts.text") +
           view.example("devices.python", python_example(view)) +
           view.example("devices.node", node_example(view)) +
           view.example("devices.php", php_example(view)) +
           view.example("devices.curl", curl_example(view)) + view.paragraph("devices.relay");
}

}  // namespace sekisho::guide
