// Two containers of the queue's index, where a few bytes a message count. Pure.
#pragma once

#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace sekisho::queue {

// A growing list in pieces: adding never moves what is there, and at most one piece is unused.
template <class T>
class Chunks {
  public:
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] T& operator[](std::size_t at) {
        SEKISHO_ASSERT(at < size_);
        return chunks_[at / kChunk][at % kChunk];
    }
    [[nodiscard]] const T& operator[](std::size_t at) const {
        SEKISHO_ASSERT(at < size_);
        return chunks_[at / kChunk][at % kChunk];
    }
    void emplace_back() {
        if (size_ == chunks_.size() * kChunk) {
            chunks_.push_back(std::make_unique<T[]>(kChunk));
        }
        ++size_;
    }

  private:
    static constexpr std::size_t kChunk = 1024;
    std::vector<std::unique_ptr<T[]>> chunks_;
    std::size_t size_ = 0;
};

// A list that is mostly of one element, which then needs no memory of its own.
template <class T>
class FewOf {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) >= sizeof(T*));

  public:
    FewOf() = default;
    FewOf(FewOf&& other) noexcept
        : many_(std::move(other.many_)),
          one_(other.one_),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 1)) {}
    FewOf& operator=(FewOf&& other) noexcept {
        many_ = std::move(other.many_);
        one_ = other.one_;
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 1);
        return *this;
    }
    FewOf(const FewOf&) = delete;
    FewOf& operator=(const FewOf&) = delete;
    ~FewOf() = default;

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    [[nodiscard]] T& operator[](std::size_t at) { return many_ ? many_[at] : one_; }
    [[nodiscard]] const T& operator[](std::size_t at) const { return many_ ? many_[at] : one_; }
    [[nodiscard]] const T& front() const { return (*this)[0]; }
    [[nodiscard]] const T& back() const { return (*this)[size_ - 1]; }
    void push_back(const T& value) {
        if (size_ == capacity_) {
            resize(capacity_ + capacity_ / 2 + 1);
        }
        (*this)[size_++] = value;
    }
    void pop_back() { --size_; }
    void shrink_to_fit() { resize(std::max<std::uint32_t>(size_, 1)); }

  private:
    void resize(std::uint32_t capacity) {
        std::unique_ptr<T[]> more;
        if (capacity > 1) {
            more = std::make_unique<T[]>(capacity);
        }
        T* const to = more ? more.get() : &one_;
        const T* const from = many_ ? many_.get() : &one_;
        if (to != from) {
            std::copy_n(from, size_, to);
        }
        many_ = std::move(more);
        capacity_ = capacity;
    }

    std::unique_ptr<T[]> many_;
    T one_{};
    std::uint32_t size_ = 0, capacity_ = 1;
};

// Open addressing over handles whose keys are elsewhere: 4 bytes a place, at most three in four of
// them taken. `hash_of` gives the hash of a handle's key, `same` says whether it is the one sought.
class HandleTable {
  public:
    using Handle = std::uint32_t;
    static constexpr Handle kNone = ~Handle{0};

    template <class Same>
    [[nodiscard]] Handle find(std::uint64_t hash, const Same& same) const {
        if (table_.empty()) {
            return kNone;
        }
        for (std::size_t at = home(hash); table_[at] != kNone; at = next(at)) {
            if (same(table_[at])) {
                return table_[at];
            }
        }
        return kNone;
    }
    // The key isn't in.
    template <class HashOf>
    void insert(std::uint64_t hash, Handle handle, const HashOf& hash_of) {
        if ((used_ + 1) * 4 > table_.size() * 3) {
            grow(hash_of);
        }
        place(hash, handle);
        ++used_;
    }
    // The handle is in.
    template <class HashOf>
    void erase(std::uint64_t hash, Handle handle, const HashOf& hash_of) {
        std::size_t hole = home(hash);
        while (table_[hole] != handle) {
            hole = next(hole);
        }
        // Those after the hole that a search would no longer reach move into it.
        const std::size_t mask = table_.size() - 1;
        for (std::size_t at = next(hole); table_[at] != kNone; at = next(at)) {
            const std::size_t wanted = home(hash_of(table_[at]));
            if (((at - wanted) & mask) >= ((at - hole) & mask)) {
                table_[hole] = table_[at];
                hole = at;
            }
        }
        table_[hole] = kNone;
        --used_;
    }
    [[nodiscard]] std::size_t size() const { return used_; }

  private:
    static constexpr std::size_t kTableMin = 64;

    [[nodiscard]] std::size_t home(std::uint64_t hash) const {
        // Keys may be runs of consecutive values: the multiplication spreads them over the table.
        return static_cast<std::size_t>((hash * 0x9e37'79b9'7f4a'7c15ULL) >> 20U) &
               (table_.size() - 1);
    }
    [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (table_.size() - 1); }
    void place(std::uint64_t hash, Handle handle) {
        std::size_t at = home(hash);
        while (table_[at] != kNone) {
            at = next(at);
        }
        table_[at] = handle;
    }
    template <class HashOf>
    void grow(const HashOf& hash_of) {
        std::vector<Handle> old(std::max(kTableMin, table_.size() * 2), kNone);
        old.swap(table_);
        for (const Handle moved : old) {
            if (moved != kNone) {
                place(hash_of(moved), moved);
            }
        }
    }

    std::vector<Handle> table_;
    std::size_t used_ = 0;
};

}  // namespace sekisho::queue
