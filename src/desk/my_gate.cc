#include "desk/my_gate.h"

#include "base/assert.h"
#include "base/ip.h"
#include "base/time.h"
#include "limit/gcra.h"
#include "limit/limiter.h"

#include <array>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::desk {
namespace {

constexpr std::string_view kForms = "my_forms";
constexpr int kNetworkV6 = 64;
constexpr int kNetworkV4 = 32;

std::string network_of(const IpAddress& from) {
    return Prefix(from, from.is_v4() ? kNetworkV4 : kNetworkV6).text();
}

}  // namespace

MyPage::Gate::Gate(Duration unit) : wait(unit) {
    std::vector<limit::Limit> limits(1);
    limits.front().name = kForms;
    limits.front().how = limit::Rate{.count = kFormsAMinute, .per = std::chrono::minutes(1)};
    auto made = limit::Limiter::make(limits, {});
    SEKISHO_ASSERT(made.has_value());
    limiter_ = std::move(*made);
}

bool MyPage::Gate::take_form(const IpAddress& from, Time now) {
    const std::string key = network_of(from);
    const std::array wants{limit::Want{.limit = kForms, .key = key}};
    return limiter_->take(wants, now).has_value();
}

MyPage::Gate::Place MyPage::Gate::enter(const IpAddress& from) {
    std::string key = network_of(from);
    const std::scoped_lock lock{mutex_};
    if (inside_.size() >= kAtOnce || inside_.count(key) >= kAtOnceOfNetwork) {
        return {};
    }
    inside_.insert(key);
    return {*this, std::move(key)};
}

MyPage::Gate::Place::Place(Place&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)), key_(std::move(other.key_)) {}

MyPage::Gate::Place::~Place() {
    if (gate_ != nullptr) {
        const std::scoped_lock lock{gate_->mutex_};
        gate_->inside_.erase(gate_->inside_.find(key_));
    }
}

}  // namespace sekisho::desk
