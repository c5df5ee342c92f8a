#include "guide/window.h"

#include "base/bytes.h"
#include "guide/picture.h"
#include "guide/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
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

// Where to break a text in two: the space nearest to its middle, or, where there is none, the
// character there. 0: it has no such place.
std::size_t middle_of(std::string_view text) {
    std::size_t best = 0;
    const auto far = [&text](std::size_t at) {
        return at > text.size() / 2 ? at - text.size() / 2 : text.size() / 2 - at;
    };
    for (std::size_t at = text.find(' '); at != std::string_view::npos;
         at = text.find(' ', at + 1)) {
        best = best == 0 || far(at) < far(best) ? at : best;
    }
    if (best != 0) {
        return best;
    }
    std::size_t at = text.size() / 2;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
        --at;
    }
    return at;
}

}  // namespace

Window::Window(std::string_view title) {
    body_ += "<path class=\"bar\" d=\"M1 13a12 12 0 0 1 12-12h494a12 12 0 0 1 12 12v29H1z\"/>\n";
    body_ += svg_text(20, 27, title, "title", 400);
    body_ += "<path class=\"glyph\" d=\"M486 16l10 10m0-10l-10 10\"/>\n";
    y_ = 62;
}

void Window::section(std::string_view text) {
    body_ += svg_text(20, y_ + 14, text, "strong", 480);
    y_ += 32;
}

void Window::field(std::string_view name, std::string_view value, Kind kind, int mark) {
    const int width = kind == Kind::Number ? 96 : kFieldWidth;
    put_name(name);
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

void Window::tick(std::string_view text, bool on, int mark) {
    body_ += fmt::format(
        "<rect class=\"field{}\" x=\"20\" y=\"{}\" width=\"20\" height=\"20\" rx=\"4\"/>",
        mark == 0 ? "" : " marked",
        y_ + 4
    );
    if (on) {
        body_ += fmt::format("<path class=\"check\" d=\"M25 {}l4 5 7-9\"/>\n", y_ + 14);
    }
    body_ += svg_text(52, y_ + 20, text, "value", 415);
    put_mark(mark);
    y_ += kRow - 6;
}

std::string Window::finish(std::string_view alt, std::string_view cancel, std::string_view ok) {
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

// On two lines where one would be too small to read.
void Window::put_name(std::string_view name) {
    constexpr double kWidthOfName = kFieldX - 30;
    constexpr double kSmallest = 11.5;
    const std::size_t middle = middle_of(name);
    if (fitting(name, 15, kWidthOfName) >= kSmallest || middle == 0) {
        body_ += svg_text(20, y_ + 21, name, "name", kWidthOfName);
        return;
    }
    body_ += svg_text(20, y_ + 13, name.substr(0, middle), "name", kWidthOfName);
    body_ += svg_text(20, y_ + 30, trim(name.substr(middle)), "name", kWidthOfName);
}

void Window::put_mark(int mark) {
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

}  // namespace sekisho::guide
