// Little-endian fields in byte strings, with bounds checked on every read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::queue {

class Writer {
  public:
    void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void u16(std::uint16_t value) { put(value, 2); }
    void u32(std::uint32_t value) { put(value, 4); }
    void u64(std::uint64_t value) { put(value, 8); }
    void i64(std::int64_t value) { put(static_cast<std::uint64_t>(value), 8); }
    // A 32-bit length, then the bytes. The length must fit.
    void text(std::string_view value);

    [[nodiscard]] std::string take() && { return std::move(out_); }

  private:
    void put(std::uint64_t value, int width);
    std::string out_;
};

// A read past the end gives zero or nothing, and ok() stays false from then on.
class Reader {
  public:
    explicit Reader(std::string_view in) : in_(in) {}
    [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(get(1)); }
    [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(get(2)); }
    [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(get(4)); }
    [[nodiscard]] std::uint64_t u64() { return get(8); }
    [[nodiscard]] std::int64_t i64() { return static_cast<std::int64_t>(get(8)); }
    [[nodiscard]] std::string text();

    void refuse() { ok_ = false; }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t left() const { return in_.size(); }
    // Everything was read and nothing was wrong.
    [[nodiscard]] bool complete() const { return ok_ && in_.empty(); }

  private:
    [[nodiscard]] std::uint64_t get(std::size_t width);
    std::string_view in_;
    bool ok_ = true;
};

}  // namespace sekisho::queue
