// The guide's pictures, drawn as SVG from the operator's names: settings windows with numbered
// marks, and the two diagrams of what port 25 blocking does. Their colours are classes of
// guide.css, so that they follow light, dark and print.
#pragma once

#include "guide/view.h"

#include <string>
#include <string_view>

namespace sekisho::guide {

// A <figure> each: the outgoing server's settings, caption and the list that explains the marks.
[[nodiscard]] std::string thunderbird_picture(const View& view);
[[nodiscard]] std::string generic_picture(const View& view);

// A <figure>: from home to the world, 25 stopped, 465/587 through our server.
[[nodiscard]] std::string outbound_diagram(const View& view);
// A <figure>: from outside to our server, mail programs on 25 refused, servers taken.
[[nodiscard]] std::string inbound_diagram(const View& view);

// A <text> of at most `width`; a longer one is drawn smaller.
[[nodiscard]] std::string svg_text(
    double x, double y, std::string_view text, std::string_view style, double width
);

// Small signs beside a verdict: "stopped", "limited", "planned", "open", "outside".
[[nodiscard]] std::string_view sign(std::string_view kind);

}  // namespace sekisho::guide
