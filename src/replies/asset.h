// Files of share/, compiled in by sekisho_embed().
#pragma once

#include <string_view>

namespace sekisho::replies::asset {
extern const std::string_view replies_toml;
}  // namespace sekisho::replies::asset
