#include "staff/roles.h"

#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::staff {

std::string_view name(Role role) {
    switch (role) {
        case Role::Support:
            return "support";
        case Role::Abuse:
            return "abuse";
        case Role::Operator:
            return "operator";
        case Role::Auditor:
            break;
    }
    return "auditor";
}

std::vector<std::string> Roles::names() const {
    std::vector<std::string> out;
    for (const Role role : kRoles) {
        if (has(role)) {
            out.emplace_back(name(role));
        }
    }
    return out;
}

std::string Roles::text() const {
    std::string out;
    for (const std::string& one : names()) {
        out += (out.empty() ? "" : ", ") + one;
    }
    return out;
}

Result<Roles> Roles::parse(std::string_view text) {
    Roles out;
    for (const std::string_view part : split(text, ',')) {
        const std::string_view word = trim(part);
        const auto* const found =
            std::ranges::find_if(kRoles, [&](Role role) { return name(role) == word; });
        if (found == kRoles.end()) {
            return fail(
                Errc::Invalid,
                "\"" + printable(word) + "\" is no role: support, abuse, operator, auditor"
            );
        }
        out.add(*found);
    }
    return out;
}

}  // namespace sekisho::staff
