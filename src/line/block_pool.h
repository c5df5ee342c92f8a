// Blocks of 8-byte units under 32-bit references, for millions of small things of many sizes: no
// header before each, and what is given back serves the next of its size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sekisho::line {

class BlockPool {
  public:
    using Ref = std::uint32_t;  // 0: none

    static constexpr std::size_t kUnit = 8;  // bytes; blocks are aligned to it

    // Its bytes have any value. `bytes` is up to 2 GB.
    [[nodiscard]] Ref take(std::size_t bytes);
    void give(Ref ref, std::size_t bytes);  // the bytes that it was taken with
    [[nodiscard]] char* at(Ref ref) { return chunks_[ref >> kUnitBits].get() + offset(ref); }
    [[nodiscard]] const char* at(Ref ref) const {
        return chunks_[ref >> kUnitBits].get() + offset(ref);
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    static constexpr unsigned kUnitBits = 18;  // of a chunk's units: 2 MB, a huge page
    static constexpr std::size_t kChunkUnits = std::size_t{1} << kUnitBits;
    static constexpr std::size_t kExact = 64;  // up to so many units each size has its own list

    [[nodiscard]] static std::size_t offset(Ref ref) { return (ref & (kChunkUnits - 1)) * kUnit; }
    [[nodiscard]] static std::size_t rounded(std::size_t bytes);  // in units
    [[nodiscard]] Ref& free_list(std::size_t units);
    [[nodiscard]] Ref new_chunk(std::size_t units);

    struct Free {
        void operator()(char* chunk) const;
    };
    std::vector<std::unique_ptr<char, Free>> chunks_;
    std::array<Ref, kExact + 33> free_{};
    Ref open_ = 0;           // where the newest chunk goes on
    std::size_t left_ = 0;   // units in it
    std::size_t bytes_ = 0;  // of all chunks
};

}  // namespace sekisho::line
