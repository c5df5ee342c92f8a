// Memory for large tables that are looked into all over: in huge pages where the kernel gives them,
// so that the processor still knows where each page is.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <sys/mman.h>

namespace sekisho::line {

template <class T>
struct HugePages {
    using value_type = T;
    static constexpr std::size_t kPage = std::size_t{2} << 20U;

    HugePages() = default;
    template <class Other>
    HugePages(const HugePages<Other>& /*other*/) {}  // NOLINT(*-explicit-*): as allocators are

    // Less than a page is had as usual.
    [[nodiscard]] T* allocate(std::size_t count) {
        const std::size_t bytes = count * sizeof(T);
        void* made = nullptr;
        if (bytes < kPage) {
            made = std::malloc(bytes);
        } else {
            const std::size_t whole = (bytes + kPage - 1) / kPage * kPage;
            made = std::aligned_alloc(kPage, whole);
            if (made != nullptr) {
                ::madvise(made, whole, MADV_HUGEPAGE);  // advice: it works without
            }
        }
        if (made == nullptr) {
            throw std::bad_alloc{};
        }
        return static_cast<T*>(made);
    }
    void deallocate(T* made, std::size_t /*count*/) { std::free(made); }

    template <class Other>
    friend bool operator==(const HugePages&, const HugePages<Other>&) {
        return true;
    }
};

}  // namespace sekisho::line
