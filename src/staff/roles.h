// What an operator may do: one role or several.
#pragma once

#include "base/result.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::staff {

enum class Role : std::uint8_t {
    Support,   // looks subscribers and messages up, releases what is held, sends notices again
    Abuse,     // the same, and holds mail and suspends accounts
    Operator,  // all of that, and the queue, limits, exemptions and the policy
    Auditor,   // reads the audit, and nothing of subscribers
};
inline constexpr std::array kRoles{Role::Support, Role::Abuse, Role::Operator, Role::Auditor};
[[nodiscard]] std::string_view name(Role role);  // "support", ...

class Roles {
  public:
    constexpr Roles() = default;
    template <class... Each>
    constexpr explicit Roles(Role first, Each... more)
        : bits_(bit(first) | (0U | ... | bit(more))) {}

    [[nodiscard]] constexpr bool has(Role role) const { return (bits_ & bit(role)) != 0; }
    // Whether one of them is in both.
    [[nodiscard]] constexpr bool meets(Roles other) const { return (bits_ & other.bits_) != 0; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    constexpr void add(Role role) { bits_ |= bit(role); }
    // "support, abuse"
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::vector<std::string> names() const;
    // Of names with commas between. Invalid names the ones there are.
    [[nodiscard]] static Result<Roles> parse(std::string_view text);
    friend constexpr bool operator==(Roles, Roles) = default;

  private:
    static constexpr unsigned bit(Role role) { return 1U << static_cast<unsigned>(role); }
    unsigned bits_ = 0;
};
inline constexpr Roles kAllRoles{Role::Support, Role::Abuse, Role::Operator, Role::Auditor};

}  // namespace sekisho::staff
