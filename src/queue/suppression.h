// Recipients to whom nothing is to be sent, since mail for them only comes back.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::queue {

struct Suppressed {
    std::string recipient;  // lower case
    Time since{};
    std::optional<Time> until;  // none: until it is removed
    std::string who;            // an operator; empty: by itself
    std::string why;            // the last reply, or the operator's reason
    std::uint32_t bounces = 0;  // that led to it
};

struct SuppressionRule {
    std::uint32_t after = 0;  // bounces; 0: nobody is added by itself
    Duration within{0};       // they count for so long
    Duration keep{0};         // and the recipient is refused for so long then
};

// Every recipient is taken in any case of letters. May wait for the disk.
class SuppressionList {
  public:
    virtual ~SuppressionList() = default;
    // Who is refused at that time.
    [[nodiscard]] virtual Result<std::optional<Suppressed>> find(
        std::string_view recipient, Time at
    ) = 0;
    [[nodiscard]] virtual Result<std::vector<Suppressed>> list(Time at) = 0;
    // Nobody is refused, as was seen lately. Waits for nothing; what another process adds shows
    // within a second.
    [[nodiscard]] virtual bool known_empty() const = 0;
    virtual Status add(const Suppressed& suppressed) = 0;  // instead of what there is
    [[nodiscard]] virtual Result<bool> remove(std::string_view recipient) = 0;  // with its bounces

    // Counts one; returns the recipient if it is refused from now on, and wasn't before.
    [[nodiscard]] virtual Result<std::optional<Suppressed>> bounced(
        std::string_view recipient, std::string_view reply, Time at, const SuppressionRule& rule
    ) = 0;
    virtual Status reached(std::string_view recipient) = 0;  // its bounces are forgotten
    // Who was refused until then and isn't any more, once; and bounces before `since` are
    // forgotten.
    [[nodiscard]] virtual Result<std::vector<Suppressed>> forget(Time at, Time since) = 0;
};

}  // namespace sekisho::queue
