#include "guide/picture.h"

#include "base/assert.h"
#include "guide/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace sekisho::guide {
namespace {

std::string alt_text(const View& view, std::string_view title_key) {
    View named = view;
    named.set("title", view.plain(title_key));
    return named.plain("picture.alt");
}

}  // namespace

namespace {

// Its marks are those of the drawn one: scripts/pictures/thunderbird.py puts them there.
std::string photograph_of(const View& view, const Photograph& made, std::string_view name) {
    return fmt::format(
        "<img class=\"window\" src=\"{}?v={}\" width=\"{}\" height=\"{}\" alt=\"{}\" "
        "loading=\"lazy\">\n",
        photograph_path(fmt::format("{}-{}", name, code(view.language()))),
        made.version,
        made.width,
        made.height,
        escape_html(alt_text(view, fmt::format("picture.{}", name)))
    );
}

std::string drawn_thunderbird(const View& view) {
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
    return window.finish(
        alt_text(view, "picture.thunderbird"),
        view.plain("picture.cancel"),
        view.plain("picture.ok")
    );
}

}  // namespace

std::string thunderbird_picture(const View& view) {
    const Photograph* const made = view.photograph("thunderbird");
    return figure(
        view.html("picture.thunderbird"),
        view.html("picture.path"),
        made == nullptr ? drawn_thunderbird(view) : photograph_of(view, *made, "thunderbird"),
        {view.html("picture.m.server"),
         view.html("picture.m.port"),
         view.html("picture.m.security"),
         view.html("picture.m.method"),
         view.html("picture.m.user")}
    );
}

std::string generic_picture(const View& view) {
    using enum Window::Kind;
    const bool implicit = view.config().settings.submissions_port != 0;
    Window window{view.plain("settings.outgoing")};
    window.field(view.plain("picture.smtp"), view.value("outgoing"), Text, 1);
    window.tick(view.plain("picture.needs"), true, 2);
    window.field(view.plain("picture.user"), view.value("user"), Text, 3);
    window.field(view.plain("picture.password"), "••••••••••", Text);
    window.field(view.plain("picture.port"), view.value("port"), Number, 4);
    window.tick(view.plain(implicit ? "picture.encrypted" : "picture.starttls"), true, 5);
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
