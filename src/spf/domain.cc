#include "spf/domain.h"

#include "base/bytes.h"
#include "base/ip.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace sekisho::spf {

bool is_dns_name(std::string_view name) {
    if (name.empty() || name.size() > 253) {
        return false;
    }
    return std::ranges::all_of(split(name, '.'), [](std::string_view label) {
        return !label.empty() && label.size() <= 63;
    });
}

bool may_have_policy(std::string_view domain) {
    return is_dns_name(domain) && domain.find('.') != std::string_view::npos &&
           !domain.starts_with('[') && !IpAddress::parse(domain);
}

bool below(std::string_view name, std::string_view domain) {
    return name == domain || (name.size() > domain.size() && name.ends_with(domain) &&
                              name[name.size() - domain.size() - 1] == '.');
}

std::string host_key(std::string_view name) {
    return to_lower(name.ends_with('.') ? name.substr(0, name.size() - 1) : name);
}

}  // namespace sekisho::spf
