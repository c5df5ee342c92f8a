#include "policy/overlay.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "policy/policy.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::policy {
namespace {

constexpr int kShortestV4 = 16;
constexpr int kShortestV6 = 32, kLongestNetV6 = 64;

class Overlaid final : public Policy {
  public:
    Overlaid(std::shared_ptr<const Policy> base, std::map<Prefix, ClassId> overrides)
        : base_(std::move(base)), overrides_(std::move(overrides)) {
        for (const auto& [prefix, id] : overrides_) {
            (prefix.is_v4() ? v4_ : v6_).insert(-prefix.length());
        }
    }

    [[nodiscard]] ClassId classify(const IpAddress& address) const override {
        const auto* found = find(address);
        return found != nullptr ? found->second : base_->classify(address);
    }
    [[nodiscard]] std::optional<Prefix> matched(const IpAddress& address) const override {
        const auto* found = find(address);
        return found != nullptr ? std::optional(found->first) : base_->matched(address);
    }
    [[nodiscard]] Verdict cell(ClassId client, ClassId server) const override {
        return base_->cell(client, server);
    }
    [[nodiscard]] const std::vector<Class>& classes() const override { return base_->classes(); }
    [[nodiscard]] const std::vector<RuleSource>& rules() const override { return base_->rules(); }
    [[nodiscard]] const Class* find_class(std::string_view name) const override {
        return base_->find_class(name);
    }
    [[nodiscard]] ClassId part_of(ClassId id, const IpAddress& address, unsigned share)
        const override {
        return base_->part_of(id, address, share);
    }
    [[nodiscard]] const std::vector<std::pair<Prefix, ClassId>>& prefixes() const override {
        std::call_once(merged_once_, [this] { merge(); });
        return merged_;
    }
    // Of tens of thousands of overrides, so only where somebody asks.
    [[nodiscard]] std::string digest() const override {
        std::call_once(digest_once_, [this] {
            std::string all = base_->digest();
            for (const auto& [prefix, id] : overrides_) {
                all += ' ' + prefix.text() + '=' + std::to_string(id);
            }
            digest_ = hex(sha256(all)).substr(0, base_->digest().size());
        });
        return digest_;
    }

  private:
    [[nodiscard]] const std::pair<const Prefix, ClassId>* find(const IpAddress& address) const {
        for (const int negative : address.is_v4() ? v4_ : v6_) {  // the longest first
            const auto found = overrides_.find(Prefix{address, -negative});
            if (found != overrides_.end()) {
                return &*found;
            }
        }
        return nullptr;
    }

    // A million prefixes, so only where somebody asks: the engine of nftables, a renderer.
    void merge() const {
        merged_.reserve(base_->prefixes().size() + overrides_.size());
        for (const auto& one : base_->prefixes()) {
            const Prefix& prefix = one.first;
            const auto& lengths = prefix.is_v4() ? v4_ : v6_;
            const bool inside = std::any_of(lengths.begin(), lengths.end(), [&](int negative) {
                return -negative <= prefix.length() &&
                       overrides_.contains(Prefix{prefix.address(), -negative});
            });
            if (!inside) {
                merged_.push_back(one);
            }
        }
        merged_.insert(merged_.end(), overrides_.begin(), overrides_.end());
        std::sort(merged_.begin(), merged_.end());
    }

    const std::shared_ptr<const Policy> base_;
    const std::map<Prefix, ClassId> overrides_;
    std::set<int> v4_, v6_;  // lengths in use, negated
    mutable std::once_flag digest_once_;
    mutable std::string digest_;
    mutable std::once_flag merged_once_;
    mutable std::vector<std::pair<Prefix, ClassId>> merged_;
};

}  // namespace

Status check_override(const Prefix& prefix) {
    const int length = prefix.length();
    if (prefix.is_v4() ? length >= kShortestV4
                       : (length >= kShortestV6 && length <= kLongestNetV6) || length == 128) {
        return {};
    }
    return fail(
        Errc::Invalid,
        prefix.text() + (prefix.is_v4() ? " is too wide: /16 to /32 can be named"
                                        : " can't be named: /32 to /64 can, or one address")
    );
}

Status check_overrides(const Policy& policy, const std::vector<Override>& overrides) {
    if (overrides.size() > kOverridesMax) {
        return fail(
            Errc::Full,
            std::to_string(overrides.size()) + " overridden prefixes are more than the " +
                std::to_string(kOverridesMax) + " there can be"
        );
    }
    bool sorted = true;
    for (std::size_t i = 0; i < overrides.size(); ++i) {
        const Override& one = overrides[i];
        if (Status allowed = check_override(one.prefix); !allowed) {
            return allowed;
        }
        if (one.class_id >= policy.classes().size()) {
            return fail(Errc::Invalid, one.prefix.text() + " is given a class that there isn't");
        }
        sorted = sorted && (i == 0 || overrides[i - 1].prefix < one.prefix);
    }
    if (sorted) {  // as plans of leases are: none stands twice
        return {};
    }
    std::vector<Prefix> prefixes;
    prefixes.reserve(overrides.size());
    for (const Override& one : overrides) {
        prefixes.push_back(one.prefix);
    }
    std::sort(prefixes.begin(), prefixes.end());
    const auto twice = std::adjacent_find(prefixes.begin(), prefixes.end());
    if (twice != prefixes.end()) {
        return fail(Errc::Conflict, twice->text() + " is overridden twice");
    }
    return {};
}

Result<std::shared_ptr<const Policy>> with_overrides(
    std::shared_ptr<const Policy> policy, const std::vector<Override>& overrides
) {
    if (overrides.empty()) {
        return policy;
    }
    if (Status checked = check_overrides(*policy, overrides); !checked) {
        return fail(checked.error());
    }
    std::map<Prefix, ClassId> by_prefix;
    for (const Override& one : overrides) {
        by_prefix.emplace_hint(by_prefix.end(), one.prefix, one.class_id);
    }
    return std::make_shared<Overlaid>(std::move(policy), std::move(by_prefix));
}

}  // namespace sekisho::policy
