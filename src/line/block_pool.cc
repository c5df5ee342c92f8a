#include "line/block_pool.h"

#include "base/assert.h"
#include "line/huge_pages.h"

#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

namespace sekisho::line {

void BlockPool::Free::operator()(char* chunk) const {
    HugePages<char>{}.deallocate(chunk, 0);
}

std::size_t BlockPool::rounded(std::size_t bytes) {
    const std::size_t units = (bytes + kUnit - 1) / kUnit;
    return units <= kExact ? units : std::bit_ceil(units);
}

BlockPool::Ref& BlockPool::free_list(std::size_t units) {
    return units <= kExact ? free_[units]
                           : free_
                                 [kExact + static_cast<std::size_t>(std::bit_width(units)) -
                                  static_cast<std::size_t>(std::bit_width(kExact))];
}

BlockPool::Ref BlockPool::new_chunk(std::size_t units) {
    if (chunks_.empty()) {
        chunks_.emplace_back();  // reference 0 is none: no block of chunk 0 is ever given out
    }
    SEKISHO_ASSERT(chunks_.size() < std::size_t{1} << (32U - kUnitBits));
    constexpr std::size_t kPage = HugePages<char>::kPage;
    const std::size_t bytes = (units * kUnit + kPage - 1) / kPage * kPage;
    chunks_.emplace_back(HugePages<char>{}.allocate(bytes));
    bytes_ += bytes;
    return static_cast<Ref>((chunks_.size() - 1) << kUnitBits);
}

BlockPool::Ref BlockPool::take(std::size_t bytes) {
    const std::size_t units = rounded(bytes);
    SEKISHO_ASSERT(units > 0 && units <= std::size_t{1} << 28U);
    Ref& list = free_list(units);
    if (list != 0) {
        Ref next = 0;
        std::memcpy(&next, at(list), sizeof(next));
        return std::exchange(list, next);
    }
    if (units > kChunkUnits / 4) {
        return new_chunk(units);  // one of its own
    }
    if (units > left_) {
        open_ = new_chunk(kChunkUnits);
        left_ = kChunkUnits;
    }
    left_ -= units;
    return std::exchange(open_, open_ + static_cast<Ref>(units));
}

void BlockPool::give(Ref ref, std::size_t bytes) {
    Ref& list = free_list(rounded(bytes));
    std::memcpy(at(ref), &list, sizeof(list));
    list = ref;
}

}  // namespace sekisho::line
