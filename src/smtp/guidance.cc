#include "smtp/guidance.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::smtp {

std::string with_reference(
    std::string text, std::string_view guide_url, std::string_view reference
) {
    if (!guide_url.empty()) {
        text += fmt::format("; see {}/25?ref={}", guide_url, reference);
    }
    text += fmt::format(" (reference {})", reference);
    return text;
}

std::string use_submission(std::string_view host, std::uint16_t port) {
    return fmt::format(
        "Port 25 is for mail servers. Mail programs send through {} port {} with authentication",
        host,
        port
    );
}

}  // namespace sekisho::smtp
