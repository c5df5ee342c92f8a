// A QR code (ISO/IEC 18004, by libqrencode) as SVG without style or script.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::guide {

// `text`: at most some 1,000 bytes; `label`: what it is, for who can't see it, not escaped. Empty
// when the text doesn't fit.
[[nodiscard]] std::string qr_svg(std::string_view text, std::string_view label);

}  // namespace sekisho::guide
