// Files of web/desk/, compiled in by sekisho_embed().
#pragma once

#include <string_view>

namespace sekisho::desk::asset {
extern const std::string_view desk_html;
extern const std::string_view desk_css;
extern const std::string_view desk_js;
}  // namespace sekisho::desk::asset
