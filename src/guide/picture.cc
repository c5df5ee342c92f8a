#include "guide/picture.h"

#include "base/assert.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace sekisho::guide {
namespace {

constexpr int kWidth = 520;
constexpr int kFieldX = 188;
constexpr int kFieldWidth = 280;
constexpr int kRow = 44;

// Columns a text takes, in halves of a full-width character: CJK counts two, the rest one.
std::size_t columns(std::string_view text) {
    std::size_t count = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80 || byte == 0xC2 || byte == 0xE2) {  // ASCII, Latin-1, dashes and quotes
            count += 1;
        } else if (byte >= 0xC0) {  // the first byte of another character
            count += 2;
        }
    }
    return count;
}

// The size at which the text fits into `width`, at most `wanted`.
double fitting(std::string_view text, double wanted, double width) {
    const double natural = static_cast<double>(columns(text)) * wanted * 0.56;
    return natural <= width ? wanted : std::max(6.0, wanted * width / natural);
}

// Draws one window, top to bottom.
class Window {
  public:
    explicit Window(std::string_view title) {
        body_ +=
            "<path class=\"bar\" d=\"M1 13a12 12 0 0 1 12-12h494a12 12 0 0 1 12 12v29H1z\"/>\n";
        body_ += svg_text(20, 27, title, "title", 400);
        body_ += "<path class=\"glyph\" d=\"M486 16l10 10m0-10l-10 10\"/>\n";
        y_ = 62;
    }

    void section(std::string_view text) {
        body_ += svg_text(20, y_ + 14, text, "strong", 480);
        y_ += 32;
    }

    enum class Kind : std::uint8_t { Text, Number, Choice };
    void field(std::string_view name, std::string_view value, Kind kind, int mark = 0) {
        const int width = kind == Kind::Number ? 96 : kFieldWidth;
        body_ += svg_text(20, y_ + 21, name, "name", kFieldX - 30);
        body_ += fmt::format(
            "<rect class=\"field{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"32\" rx=\"5\"/>\n",
            mark == 0 ? "" : " marked",
            kFieldX,
            y_,
            width
        );
        body_ +=
            svg_text(kFieldX + 11, y_ + 21, value, "value", width - (kind == Kind::Text ? 20 : 42));
        if (kind == Kind::Choice) {
            body_ += fmt::format(
                "<path class=\"glyph\" d=\"M{} {}l5 5 5-5\"/>\n", kFieldX + width - 24, y_ + 13
            );
        } else if (kind == Kind::Number) {
            body_ += fmt::format(
                "<path class=\"glyph\" d=\"M{0} {1}l4-4 4 4m-8 6l4 4 4-4\"/>\n",
                kFieldX + width - 21,
                y_ + 13
            );
        }
        put_mark(mark);
        y_ += kRow;
    }

    void tick(std::string_view text, int mark) {
        body_ += fmt::format(
            "<rect class=\"field marked\" x=\"20\" y=\"{}\" width=\"20\" height=\"20\" rx=\"4\"/>"
            "<path class=\"check\" d=\"M25 {}l4 5 7-9\"/>\n",
            y_ + 4,
            y_ + 14
        );
        body_ += svg_text(52, y_ + 20, text, "value", 415);
        put_mark(mark);
        y_ += kRow - 6;
    }

    [[nodiscard]] std::string finish(
        std::string_view alt, std::string_view cancel, std::string_view ok
    ) {
        y_ += 8;
        body_ += fmt::format(
            "<rect class=\"push\" x=\"268\" y=\"{0}\" width=\"110\" height=\"32\" rx=\"5\"/>"
            "<text class=\"value centre\" x=\"323\" y=\"{1}\" font-size=\"14\">{2}</text>"
            "<rect class=\"push default\" x=\"390\" y=\"{0}\" width=\"110\" height=\"32\" "
            "rx=\"5\"/>"
            "<text class=\"on centre\" x=\"445\" y=\"{1}\" font-size=\"14\">{3}</text>\n",
            y_,
            y_ + 21,
            escape_html(cancel),
            escape_html(ok)
        );
        const int height = y_ + 50;
        return fmt::format(
            "<svg class=\"window\" role=\"img\" aria-label=\"{0}\" viewBox=\"0 0 {1} {2}\">\n"
            "<rect class=\"pane\" x=\"1\" y=\"1\" width=\"{3}\" height=\"{4}\" rx=\"12\"/>\n{5}"
            "<rect class=\"edge\" x=\"1\" y=\"1\" width=\"{3}\" height=\"{4}\" rx=\"12\"/>\n"
            "</svg>\n",
            escape_html(alt),
            kWidth,
            height,
            kWidth - 2,
            height - 2,
            body_
        );
    }

  private:
    void put_mark(int mark) {
        if (mark == 0) {
            return;
        }
        const int y = y_ + 16;
        body_ += fmt::format(
            "<circle class=\"mark\" cx=\"492\" cy=\"{}\" r=\"13\"/>"
            "<text class=\"on centre\" x=\"492\" y=\"{}\" font-size=\"15\">{}</text>\n",
            y,
            y + 5,
            mark
        );
    }

    std::string body_;
    int y_ = 0;
};

std::string figure(
    std::string_view title,
    std::string_view path,
    const std::string& svg,
    const std::vector<std::string>& marks
) {
    std::string out = fmt::format(
        "<figure "
        "class=\"picture\">\n<figcaption><strong>{}</strong><span>{}</span></figcaption>\n{}"
        "<ol class=\"marks\">\n",
        title,
        path,
        svg
    );
    for (const std::string& mark : marks) {
        out += fmt::format("<li>{}</li>\n", mark);
    }
    return out + "</ol>\n</figure>\n";
}

std::string alt_text(const View& view, std::string_view title_key) {
    View named = view;
    named.set("title", view.plain(title_key));
    return named.plain("picture.alt");
}

std::string thunderbird(const View& view) {
    using enum Window::Kind;
    Window window{view.plain("picture.smtp")};
    window.section(view.plain("picture.section.server"));
    window.field(view.plain("picture.description"), view.value("provider"), Text);
    window.field(view.plain("picture.server"), view.value("outgoing"), Text, 1);
    window.field(view.plain("picture.port"), view.value("port"), Number, 2);
    window.section(view.plain("picture.section.auth"));
    window.field(view.plain("picture.security"), view.value("security"), Choice, 3);
    window.field(view.plain("picture.method"), view.plain("picture.method.value"), Choice, 4);
    window.field(view.plain("picture.user"), view.value("user"), Text, 5);
    const std::string svg = window.finish(
        alt_text(view, "picture.thunderbird"),
        view.plain("picture.cancel"),
        view.plain("picture.ok")
    );
    return figure(
        view.html("picture.thunderbird"),
        view.html("picture.path"),
        svg,
        {view.html("picture.m.server"),
         view.html("picture.m.port"),
         view.html("picture.m.security"),
         view.html("picture.m.method"),
         view.html("picture.m.user")}
    );
}

std::string generic(const View& view) {
    using enum Window::Kind;
    const bool implicit = view.config().settings.submissions_port != 0;
    Window window{view.plain("settings.outgoing")};
    window.field(view.plain("picture.smtp"), view.value("outgoing"), Text, 1);
    window.tick(view.plain("picture.needs"), 2);
    window.field(view.plain("picture.user"), view.value("user"), Text, 3);
    window.field(view.plain("picture.password"), "••••••••••", Text);
    window.field(view.plain("picture.port"), view.value("port"), Number, 4);
    window.tick(view.plain(implicit ? "picture.encrypted" : "picture.starttls"), 5);
    const std::string svg = window.finish(
        alt_text(view, "picture.generic"), view.plain("picture.cancel"), view.plain("picture.ok")
    );
    return figure(
        view.html("picture.generic"),
        view.html("picture.path.generic"),
        svg,
        {view.html("picture.m.server"),
         view.html("picture.m.needs"),
         view.html("picture.m.account"),
         view.html("picture.m.port"),
         view.html("picture.m.tls")}
    );
}

}  // namespace

std::string svg_text(
    double x, double y, std::string_view text, std::string_view style, double width
) {
    return fmt::format(
        "<text class=\"{}\" x=\"{}\" y=\"{}\" font-size=\"{:.1f}\">{}</text>\n",
        style,
        x,
        y,
        fitting(text, 15, width),
        escape_html(text)
    );
}

std::string settings_picture(const View& view, Program program) {
    return program == Program::Thunderbird ? thunderbird(view) : generic(view);
}

std::string_view sign(std::string_view kind) {
    static constexpr std::pair<std::string_view, std::string_view> kSigns[] = {
        {"stopped",
         R"(<svg class="sign" viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="13"/><path d="M10 16h12"/></svg>)"
        },
        {"limited",
         R"(<svg class="sign" viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="13"/><path d="M12 10v12M20 10v12"/></svg>)"
        },
        {"planned",
         R"(<svg class="sign" viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="13"/><path d="M16 9v8l5 3"/></svg>)"
        },
        {"open",
         R"(<svg class="sign" viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="13"/><path d="M10 17l4 4 8-10"/></svg>)"
        },
        {"outside",
         R"(<svg class="sign" viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="13"/><path d="M3 16h26M16 3c8 8 8 18 0 26M16 3c-8 8-8 18 0 26"/></svg>)"
        },
    };
    for (const auto& [name, svg] : kSigns) {
        if (name == kind) {
            return svg;
        }
    }
    SEKISHO_ASSERT(false);
}

}  // namespace sekisho::guide
