// Files of web/guide/, compiled in by sekisho_embed().
#pragma once

#include <string_view>

namespace sekisho::guide::asset {
extern const std::string_view guide_css;
extern const std::string_view icon_svg;
}  // namespace sekisho::guide::asset
