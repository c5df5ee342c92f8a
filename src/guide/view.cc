#include "guide/view.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

namespace sekisho::guide {
namespace {

void append_escaped(std::string& out, char c) {
    switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\'':
            out += "&#39;";
            break;
        default:
            out += c;
    }
}

// What a page calls the provider: the Japanese name on Japanese pages, when there is one.
std::string provider_name(const config::Config& config, Language language) {
    const auto& provider = config.provider;
    return language == Language::Ja && !provider.name_ja.empty() ? provider.name_ja : provider.name;
}

bool is_wide(char c) {
    return static_cast<unsigned char>(c) >= 0x80;
}

// Japanese texts have a space around {provider} for names in Latin letters; between two Japanese
// characters there is none. Gives what follows the value in the source.
std::size_t join_wide(
    std::string& out, std::string_view value, std::string_view source, std::size_t next
) {
    if (!value.empty() && is_wide(value.front()) && out.size() >= 2 && out.back() == ' ' &&
        is_wide(out[out.size() - 2])) {
        out.pop_back();
    }
    const bool space_then_wide =
        next + 1 < source.size() && source[next] == ' ' && is_wide(source[next + 1]);
    return !value.empty() && is_wide(value.back()) && space_then_wide ? next + 1 : next;
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        append_escaped(out, c);
    }
    return out;
}

std::string escape_xml(std::string_view text) {
    static constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
    if (!is_utf8(text)) {
        return escape_xml(printable(text, text.size() * 4));
    }
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') {
            out += kReplacement;
        } else {
            append_escaped(out, c);
        }
    }
    return out;
}

std::string encode_query(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                                c == '~';
        if (unreserved) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", byte);
        }
    }
    return out;
}

View::View(
    const config::Config& config,
    Language language,
    const GuideRequest& request,
    const Photographs* photographs
)
    : config_(config), language_(language), request_(request), photographs_(photographs) {
    const auto& settings = config.settings;
    set("provider", provider_name(config, language));
    set("domain", config.provider.domain);
    set("outgoing", settings.outgoing_host);
    set("support_mail", config.provider.support_mail);
    set("peer", request.peer.text());
    set("time", time_text(request.now));
    set("user", "taro@" + config.provider.domain);
    // The port to name where a text names only one: implicit TLS first (RFC 8314 §3.3).
    const bool implicit = settings.submissions_port != 0;
    set("port", std::to_string(implicit ? settings.submissions_port : settings.submission_port));
    set("security", implicit ? "SSL/TLS" : "STARTTLS");
    const bool starttls = settings.submission_port != 0;
    set("relay_port",
        std::to_string(starttls ? settings.submission_port : settings.submissions_port));
}

const Photograph* View::photograph(std::string_view program) const {
    if (photographs_ == nullptr) {
        return nullptr;
    }
    const auto found = photographs_->find(fmt::format("{}-{}", program, code(language_)));
    return found == photographs_->end() ? nullptr : &found->second;
}

void View::set(std::string_view name, std::string value) {
    values_.insert_or_assign(std::string(name), std::move(value));
}

std::string View::value(std::string_view name) const {
    const auto found = values_.find(name);
    SEKISHO_ASSERT(found != values_.end());
    return found->second;
}

bool View::has(std::string_view key) const {
    return find_text(language_, key).has_value();
}

std::string_view View::text(std::string_view key) const {
    const auto found = find_text(language_, key);
    SEKISHO_ASSERT(found.has_value());
    return found.value_or("");
}

std::string View::html(std::string_view key) const {
    const std::string_view source = text(key);
    std::string out;
    bool strong = false;
    bool code = false;
    for (std::size_t i = 0; i < source.size();) {
        const char c = source[i];
        if (c == '{') {
            const auto end = source.find('}', i);
            SEKISHO_ASSERT(end != std::string_view::npos);
            const std::string named = value(source.substr(i + 1, end - i - 1));
            i = join_wide(out, named, source, end + 1);
            out += escape_html(named);
        } else if (c == '*' && source.substr(i, 2) == "**") {
            out += strong ? "</strong>" : "<strong>";
            strong = !strong;
            i += 2;
        } else if (c == '`') {
            out += code ? "</code>" : "<code>";
            code = !code;
            ++i;
        } else if (c == '[') {
            const auto middle = source.find("](", i);
            const auto end = source.find(')', i);
            SEKISHO_ASSERT(middle < end && end != std::string_view::npos);
            out += fmt::format(
                R"(<a href="{}">{}</a>)",
                url(source.substr(middle + 2, end - middle - 2)),
                escape_html(source.substr(i + 1, middle - i - 1))
            );
            i = end + 1;
        } else {
            append_escaped(out, c);
            ++i;
        }
    }
    SEKISHO_ASSERT(!strong && !code);
    return out;
}

std::string View::plain(std::string_view key) const {
    const std::string_view source = text(key);
    std::string out;
    for (std::size_t i = 0; i < source.size();) {
        if (source[i] == '{') {
            const auto end = source.find('}', i);
            SEKISHO_ASSERT(end != std::string_view::npos);
            const std::string named = value(source.substr(i + 1, end - i - 1));
            i = join_wide(out, named, source, end + 1);
            out += named;
        } else if (source[i] == '`' || source.substr(i, 2) == "**") {
            i += source[i] == '`' ? 1 : 2;
        } else {
            out += source[i++];
        }
    }
    return out;
}

std::string View::url(std::string_view page) const {
    return fmt::format("/{}/{}", code(language_), page);
}

std::string View::time_text(Time at) const {
    const int offset = request_.utc_offset_minutes;
    const std::string local = rfc3339(at + std::chrono::minutes{offset});
    return fmt::format(
        "{} {} (UTC{}{:02}:{:02})",
        std::string_view{local}.substr(0, 10),
        std::string_view{local}.substr(11, 5),
        offset < 0 ? '-' : '+',
        std::abs(offset) / 60,
        std::abs(offset) % 60
    );
}

std::string View::time(Time at) const {
    return fmt::format(R"(<time datetime="{}">{}</time>)", rfc3339(at), time_text(at));
}

std::string View::heading(int level, std::string_view key) const {
    return fmt::format("<h{0}>{1}</h{0}>\n", level, html(key));
}

std::string View::paragraph(std::string_view key, std::string_view style) const {
    return style.empty() ? fmt::format("<p>{}</p>\n", html(key))
                         : fmt::format("<p class=\"{}\">{}</p>\n", style, html(key));
}

std::string View::list(std::string_view key, bool ordered) const {
    const char* element = ordered ? "ol" : "ul";
    std::string out = fmt::format("<{}>\n", element);
    for (int i = 1;; ++i) {
        const std::string item = fmt::format("{}.{}", key, i);
        if (!has(item)) {
            SEKISHO_ASSERT(i > 1);
            break;
        }
        out += fmt::format("<li>{}</li>\n", html(item));
    }
    return out + fmt::format("</{}>\n", element);
}

std::string View::note(std::string_view key, std::string_view kind) const {
    return fmt::format("<p class=\"note {}\">{}</p>\n", kind, html(key));
}

std::string View::example(std::string_view heading_key, std::string_view text) const {
    return fmt::format(
        "{}<pre tabindex=\"0\"><code>{}</code></pre>\n", heading(3, heading_key), escape_html(text)
    );
}

std::string View::button(std::string_view page, std::string_view key, bool primary) const {
    return fmt::format(
        R"(<a class="button{}" href="{}">{}</a>)", primary ? " primary" : "", url(page), html(key)
    );
}

void Sheet::row(std::string label, std::string value) {
    rows_ += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", std::move(label), std::move(value)
    );
}

std::string Sheet::html() const {
    return fmt::format("<table class=\"sheet\">\n<tbody>\n{}</tbody>\n</table>\n", rows_);
}

}  // namespace sekisho::guide
