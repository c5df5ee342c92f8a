// How much one network may ask of the subscriber's own page, and how many may sign in at once: a
// refused sign-in keeps its worker waiting, and the guide needs some of them. Thread-safe.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "desk/my.h"
#include "limit/limiter.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace sekisho::desk {

struct MyPage::Gate {
    explicit Gate(Duration wait);

    // Counts a form; false: too many of late.
    [[nodiscard]] bool take_form(const IpAddress& from, Time now);

    // Holds a place while somebody's password is looked at. Empty: none is free.
    class Place {
      public:
        Place() = default;
        Place(Gate& gate, std::string key) : gate_(&gate), key_(std::move(key)) {}
        Place(Place&& other) noexcept;
        Place& operator=(Place&&) = delete;
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place();
        [[nodiscard]] bool held() const { return gate_ != nullptr; }

      private:
        Gate* gate_ = nullptr;
        std::string key_;
    };
    [[nodiscard]] Place enter(const IpAddress& from);

    static constexpr std::size_t kAtOnce = 4;
    static constexpr std::size_t kAtOnceOfNetwork = 2;
    static constexpr std::uint32_t kFormsAMinute = 30;

    const Duration wait;

  private:
    std::unique_ptr<limit::Limiter> limiter_;
    std::mutex mutex_;
    std::multiset<std::string> inside_;
};

}  // namespace sekisho::desk
