// The two diagrams: who sends to whom, and which way is closed.
#include "guide/picture.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace sekisho::guide {
namespace {

// Where a box stands; all are 146 by 58.
struct Box {
    int x;
    int y;
};
constexpr int kBoxWidth = 146;
constexpr int kBoxHeight = 58;

// A name in one line, or in two when it has a '|'.
std::string box(Box at, std::string_view name, std::string_view style) {
    const double x = at.x + kBoxWidth / 2.0;
    const double y = at.y + kBoxHeight / 2.0 + 5;
    std::string out = fmt::format(
        "<rect class=\"box {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n",
        style,
        at.x,
        at.y,
        kBoxWidth,
        kBoxHeight
    );
    const auto middle = name.find('|');
    if (middle == std::string_view::npos) {
        return out + svg_text(x, y, name, "value centre", kBoxWidth - 14);
    }
    out += svg_text(x, y - 10, name.substr(0, middle), "value centre", kBoxWidth - 14);
    return out + svg_text(x, y + 11, name.substr(middle + 1), "value centre", kBoxWidth - 14);
}

// A way with its label; `stop` puts a bar across it instead of the arrow's head.
std::string way(std::string_view d, std::string_view kind, int x, int y, std::string_view text) {
    return fmt::format(
        "<path class=\"way {0}\" d=\"{1}\"/>"
        "<text class=\"label {0} centre\" x=\"{2}\" y=\"{3}\" font-size=\"14\">{4}</text>\n",
        kind,
        d,
        x,
        y,
        escape_html(text)
    );
}

std::string head(int x, int y, std::string_view direction) {
    const std::string_view d = direction == "up" ? "l-6 10h12z" : "l-10 -6v12z";
    return fmt::format("<path class=\"head\" d=\"M{} {}{}\"/>\n", x, y, d);
}

std::string bar(int x, int y) {
    return fmt::format(
        "<circle class=\"bar-sign\" cx=\"{0}\" cy=\"{1}\" r=\"14\"/>"
        "<path class=\"bar-line\" d=\"M{2} {1}h14\"/>\n",
        x,
        y,
        x - 7
    );
}

std::string figure(std::string_view alt, int height, const std::string& parts) {
    return fmt::format(
        "<figure class=\"diagram\">\n<svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 440 "
        "{}\">\n{}"
        "</svg>\n</figure>\n",
        escape_html(alt),
        height,
        parts
    );
}

std::string submission_ports(const View& view) {
    const auto& settings = view.config().settings;
    if (settings.submission_port == 0 || settings.submissions_port == 0) {
        return view.value("port");
    }
    return fmt::format("{} / {}", settings.submissions_port, settings.submission_port);
}

}  // namespace

std::string outbound_diagram(const View& view) {
    const Box home{.x = 4, .y = 20};
    const Box ours{.x = 147, .y = 152};
    const Box others{.x = 290, .y = 20};
    std::string parts;
    parts += way("M154 49H284", "stopped", 220, 28, "25");
    parts += bar(220, 49);
    parts += way("M77 82V181H136", "open", 82, 206, submission_ports(view));
    parts += head(144, 181, "right");
    parts += way("M297 181H363V92", "open", 338, 206, "25");
    parts += head(363, 82, "up");
    parts += box(home, view.plain("diagram.home"), "home");
    parts += box(ours, view.plain("diagram.ours"), "ours");
    parts += box(others, view.plain("diagram.others"), "others");
    return figure(view.plain("op25b.picture"), 224, parts);
}

std::string inbound_diagram(const View& view) {
    const Box away{.x = 4, .y = 20};
    const Box server{.x = 4, .y = 172};
    const Box receiver{.x = 290, .y = 96};
    std::string parts;
    parts += way("M154 36H363V90", "stopped", 258, 15, "25");
    parts += bar(258, 36);
    parts += way("M154 66H216V125H279", "open", 166, 118, submission_ports(view));
    parts += head(287, 125, "right");
    parts += way("M154 201H363V166", "open", 258, 226, "25");
    parts += head(363, 156, "up");
    parts += box(away, view.plain("diagram.away"), "home");
    parts += box(server, view.plain("diagram.server"), "others");
    parts += box(receiver, view.plain("diagram.receiver"), "ours");
    return figure(view.plain("ip25b.picture"), 238, parts);
}

}  // namespace sekisho::guide
