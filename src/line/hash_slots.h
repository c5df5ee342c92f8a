// A hash table of 32-bit values under 32-bit hashes, eight bytes a place: who asks compares the
// keys, which live where the values point. Open addressing; grows by two fifths, so that little
// stays empty.
#pragma once

#include "line/huge_pages.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sekisho::line {

class HashSlots {
  public:
    static constexpr std::uint32_t kNone = 0xffffffffU;  // no value

    // The value under the hash for which `same(value)` holds, or kNone.
    template <class Same>
    [[nodiscard]] std::uint32_t find(std::uint32_t hash, Same same) const {
        const std::size_t at = place(hash, same);
        return at == slots_.size() ? kNone : slots_[at].value;
    }
    // Asks memory for the place where find() will begin, and doesn't wait for it.
    void prefetch(std::uint32_t hash) const {
        if (!slots_.empty()) {
            __builtin_prefetch(&slots_[home(hash)]);
        }
    }
    // The value must not be there yet.
    void insert(std::uint32_t hash, std::uint32_t value);
    // The value of the one that `same` holds for becomes another, or is taken out.
    template <class Same>
    void replace(std::uint32_t hash, Same same, std::uint32_t value) {
        if (const std::size_t at = place(hash, same); at != slots_.size()) {
            slots_[at].value = value;
        }
    }
    template <class Same>
    void erase(std::uint32_t hash, Same same) {
        if (const std::size_t at = place(hash, same); at != slots_.size()) {
            erase_at(at);
        }
    }
    [[nodiscard]] std::size_t bytes() const { return slots_.capacity() * sizeof(Slot); }

  private:
    struct Slot {
        std::uint32_t hash = 0, value = kNone;
    };
    [[nodiscard]] std::size_t home(std::uint32_t hash) const {
        return static_cast<std::size_t>((std::uint64_t{hash} * slots_.size()) >> 32U);
    }
    [[nodiscard]] std::size_t after(std::size_t at) const {
        return at + 1 == slots_.size() ? 0 : at + 1;
    }
    template <class Same>
    [[nodiscard]] std::size_t place(std::uint32_t hash, Same same) const {
        if (slots_.empty()) {
            return 0;
        }
        for (std::size_t at = home(hash); slots_[at].value != kNone; at = after(at)) {
            if (slots_[at].hash == hash && same(slots_[at].value)) {
                return at;
            }
        }
        return slots_.size();
    }
    void put(Slot slot);
    void erase_at(std::size_t place);

    std::vector<Slot, HugePages<Slot>> slots_;
    std::size_t used_ = 0;
};

}  // namespace sekisho::line
