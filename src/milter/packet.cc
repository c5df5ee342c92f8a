#include "milter/packet.h"

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::milter {
namespace {

constexpr std::size_t kLengthOctets = 4;

std::uint32_t read_number(std::string_view four) {
    std::uint32_t out = 0;
    for (const char c : four) {
        out = (out << 8U) | static_cast<unsigned char>(c);
    }
    return out;
}

}  // namespace

std::string number(std::uint32_t value) {
    std::string out(kLengthOctets, '\0');
    for (std::size_t i = 0; i < kLengthOctets; ++i) {
        out[i] = static_cast<char>((value >> (8 * (kLengthOctets - 1 - i))) & 0xFFU);
    }
    return out;
}

std::string terminated(std::string_view text) {
    std::string out(text.substr(0, text.find('\0')));
    out += '\0';
    return out;
}

std::string to_bytes(char command, std::string_view data) {
    std::string out = number(static_cast<std::uint32_t>(data.size() + 1));
    out += command;
    out += data;
    return out;
}

Result<std::optional<Packet>> PacketReader::next() {
    if (input_.size() < kLengthOctets) {
        return std::optional<Packet>{};
    }
    const std::size_t length = read_number(std::string_view(input_).substr(0, kLengthOctets));
    if (length == 0 || length > kDataMax) {
        return fail(Errc::Invalid, "a packet of " + std::to_string(length) + " octets");
    }
    if (input_.size() < kLengthOctets + length) {
        return std::optional<Packet>{};
    }
    Packet out{input_[kLengthOctets], input_.substr(kLengthOctets + 1, length - 1)};
    input_.erase(0, kLengthOctets + length);
    return out;
}

std::optional<std::uint32_t> DataReader::number() {
    if (data_.size() < kLengthOctets) {
        return std::nullopt;
    }
    const std::uint32_t out = read_number(data_.substr(0, kLengthOctets));
    data_.remove_prefix(kLengthOctets);
    return out;
}

std::optional<std::string> DataReader::text() {
    const std::size_t end = data_.find('\0');
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    std::string out(data_.substr(0, end));
    data_.remove_prefix(end + 1);
    return out;
}

}  // namespace sekisho::milter
