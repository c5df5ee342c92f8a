// Internationalized domain names as the DNS wants them.
#pragma once

#include <optional>
#include <string>

namespace sekisho::net {

// A-labels (RFC 5891 §4); ASCII stays as it is. nullopt: no domain name.
[[nodiscard]] std::optional<std::string> to_a_labels(const std::string& domain);

}  // namespace sekisho::net
