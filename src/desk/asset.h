// Files of web/desk/, compiled in by sekisho_embed().
#pragma once

#include <string_view>

namespace sekisho::desk::asset {
extern const std::string_view desk_html;
extern const std::string_view desk_css;
extern const std::string_view desk_js;
extern const std::string_view page_js;
extern const std::string_view subscriber_js;
extern const std::string_view overview_js;
extern const std::string_view requests_js;
extern const std::string_view uplot_js;
extern const std::string_view uplot_css;
}  // namespace sekisho::desk::asset
