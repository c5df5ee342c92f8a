// Files of share/, compiled in by sekisho_embed().
#pragma once

#include <string_view>

namespace sekisho::peer::asset {
extern const std::string_view peer_names_txt;
}  // namespace sekisho::peer::asset
