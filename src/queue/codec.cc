#include "queue/codec.h"

#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace sekisho::queue {

void Writer::put(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i, value >>= 8U) {
        out_.push_back(static_cast<char>(value & 0xffU));
    }
}

void Writer::text(std::string_view value) {
    SEKISHO_ASSERT(value.size() <= std::numeric_limits<std::uint32_t>::max());
    u32(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
}

std::uint64_t Reader::get(std::size_t width) {
    if (!ok_ || in_.size() < width) {
        ok_ = false;
        return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) {
        value = (value << 8U) | static_cast<std::uint8_t>(in_[i]);
    }
    in_.remove_prefix(width);
    return value;
}

std::string Reader::text() {
    const std::uint32_t length = u32();
    if (!ok_ || in_.size() < length) {
        ok_ = false;
        return {};
    }
    std::string value(in_.substr(0, length));
    in_.remove_prefix(length);
    return value;
}

}  // namespace sekisho::queue
