#include "line/hash_slots.h"

#include "base/assert.h"
#include "line/huge_pages.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace sekisho::line {
namespace {

constexpr std::size_t kLeast = 64;

}  // namespace

void HashSlots::put(Slot slot) {
    std::size_t at = home(slot.hash);
    while (slots_[at].value != kNone) {
        at = after(at);
    }
    slots_[at] = slot;
}

void HashSlots::insert(std::uint32_t hash, std::uint32_t value) {
    SEKISHO_ASSERT(value != kNone);
    if (slots_.empty() || (used_ + 1) * 5 > slots_.size() * 4) {
        std::vector<Slot, HugePages<Slot>> old(slots_.empty() ? kLeast : slots_.size() * 7 / 5);
        old.swap(slots_);
        for (const Slot& slot : old) {
            if (slot.value != kNone) {
                put(slot);
            }
        }
    }
    put({hash, value});
    ++used_;
}

// What follows moves up where it may, so that no gap parts a value from its home.
void HashSlots::erase_at(std::size_t place) {
    std::size_t gap = place;
    for (std::size_t at = after(gap); slots_[at].value != kNone; at = after(at)) {
        const std::size_t wanted = home(slots_[at].hash);
        const bool between =
            gap <= at ? gap < wanted && wanted <= at : gap < wanted || wanted <= at;
        if (!between) {
            slots_[gap] = slots_[at];
            gap = at;
        }
    }
    slots_[gap] = Slot{};
    --used_;
}

}  // namespace sekisho::line
