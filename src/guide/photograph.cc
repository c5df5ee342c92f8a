#include "guide/photograph.h"

#include "base/bytes.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace sekisho::guide {
namespace {

constexpr std::string_view kSignature{"\x89PNG\r\n\x1A\n", 8};
constexpr std::uint32_t kLeastSide = 100;
constexpr std::uint32_t kMostSide = 4000;

std::uint32_t number(std::string_view four) {
    std::uint32_t value = 0;
    for (const char byte : four) {
        value = (value << 8U) | static_cast<unsigned char>(byte);
    }
    return value;
}

struct Chunk {
    std::string_view type, data;
};

// Takes the first chunk off; nullopt: there is no whole one. Its sum is left to who draws it.
std::optional<Chunk> take_chunk(std::string_view& rest) {
    constexpr std::size_t kAround = 12;  // length, type, sum
    if (rest.size() < kAround || number(rest.substr(0, 4)) > rest.size() - kAround) {
        return std::nullopt;
    }
    const std::size_t length = number(rest.substr(0, 4));
    const Chunk chunk{.type = rest.substr(4, 4), .data = rest.substr(8, length)};
    rest.remove_prefix(kAround + length);
    return chunk;
}

}  // namespace

std::string settings_shown(const config::Config& config) {
    const auto& settings = config.settings;
    const bool implicit = settings.submissions_port != 0;
    return fmt::format(
        "{} {} {} taro@{}",
        settings.outgoing_host,
        implicit ? settings.submissions_port : settings.submission_port,
        implicit ? "SSL/TLS" : "STARTTLS",
        config.provider.domain
    );
}

std::string photograph_path(std::string_view name) {
    return fmt::format("/pictures/{}.png", name);
}

Result<Photograph> read_photograph(std::string png, const config::Config& config) {
    if (png.size() > kMostOfPhotograph) {
        return fail(Errc::Invalid, fmt::format("larger than {} bytes", kMostOfPhotograph));
    }
    std::string_view rest = png;
    if (!rest.starts_with(kSignature)) {
        return fail(Errc::Invalid, "no PNG");
    }
    rest.remove_prefix(kSignature.size());
    const auto head = take_chunk(rest);
    if (!head || head->type != "IHDR" || head->data.size() != 13) {
        return fail(Errc::Invalid, "a PNG without its header");
    }
    Photograph made;
    made.width = number(head->data.substr(0, 4));
    made.height = number(head->data.substr(4, 4));
    for (const std::uint32_t side : {made.width, made.height}) {
        if (side < kLeastSide || side > kMostSide) {
            return fail(Errc::Invalid, fmt::format("a side of {} pixels", side));
        }
    }
    bool ended = false;
    while (const auto chunk = take_chunk(rest)) {
        ended = chunk->type == "IEND";
        // Keyword, zero, text.
        const std::size_t zero = kSettingsShown.size();
        if (chunk->type == "tEXt" && chunk->data.starts_with(kSettingsShown) &&
            chunk->data.find('\0') == zero) {
            const std::string_view shown = chunk->data.substr(zero + 1);
            const std::string wanted = settings_shown(config);
            if (shown != wanted) {
                return fail(Errc::Invalid, fmt::format("it shows {}, not {}", shown, wanted));
            }
        }
    }
    if (!ended || !rest.empty()) {
        return fail(Errc::Invalid, "a PNG without its end");
    }
    made.version = hex(sha256(png)).substr(0, 12);
    made.png = std::move(png);
    return made;
}

}  // namespace sekisho::guide
