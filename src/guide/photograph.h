// Pictures of real programs, made by the operator (`./dev pictures`), which take the place of drawn
// ones. A PNG may say in a text chunk which settings it shows: one that shows others is not used,
// so that a page never says two things. Pure: who has the file hands its bytes in.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sekisho::guide {

struct Photograph {
    std::string png;
    std::uint32_t width = 0, height = 0;
    std::string version;  // changes with the bytes
};

// By name; only these are ever looked for or served.
using Photographs = std::map<std::string, Photograph, std::less<>>;
inline constexpr std::array<std::string_view, 2> kPhotographs{"thunderbird-ja", "thunderbird-en"};

inline constexpr std::size_t kMostOfPhotograph = 262'144;  // bytes

// The text chunk's keyword, and what it says of these settings: server, port, security and user.
inline constexpr std::string_view kSettingsShown = "Settings";
[[nodiscard]] std::string settings_shown(const config::Config& config);

// Where it is served: "/pictures/thunderbird-ja.png".
[[nodiscard]] std::string photograph_path(std::string_view name);

[[nodiscard]] Result<Photograph> read_photograph(std::string png, const config::Config& config);

}  // namespace sekisho::guide
