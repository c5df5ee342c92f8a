#include "delivery/routes/destination_rule.h"

#include "base/bytes.h"
#include "delivery/routes/conditions.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {
namespace {

bool has(const std::vector<std::string>& patterns, std::string_view name) {
    return patterns.empty() || std::ranges::any_of(patterns, [name](const std::string& one) {
               return !name.empty() && covers(one, name);
           });
}

}  // namespace

std::optional<std::string> check_destination(DestinationRule& rule) {
    if (rule.domains.empty() && rule.hosts.empty()) {
        return "needs domains or hosts";
    }
    Conditions by_domain;
    by_domain.domains = rule.domains;
    if (auto fault = check_conditions(by_domain)) {
        return fault;
    }
    rule.domains = std::move(by_domain.domains);
    Conditions by_host;
    by_host.domains = rule.hosts;
    if (auto fault = check_conditions(by_host)) {
        return "hosts" + fault->substr(std::string_view("domains").size());
    }
    rule.hosts = std::move(by_host.domains);
    return std::nullopt;
}

const DestinationRule* destination_for(
    const std::vector<DestinationRule>& rules, std::string_view domain, std::string_view host
) {
    const std::string lower = to_lower(host);
    const auto found = std::ranges::find_if(rules, [&](const DestinationRule& rule) {
        return has(rule.domains, domain) && has(rule.hosts, lower);
    });
    return found == rules.end() ? nullptr : &*found;
}

}  // namespace sekisho::delivery
