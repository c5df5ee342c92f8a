// Domain names as check_host() compares and asks for them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::spf {

// A name that a question can be asked for (RFC 1035 §2.3.4). Others exist nowhere.
[[nodiscard]] bool is_dns_name(std::string_view name);
// RFC 7208 §4.3: a malformed domain, or one label alone, has no policy. Neither has a literal.
[[nodiscard]] bool may_have_policy(std::string_view domain);
// The domain itself, or a name under it; both as host_key() gives them.
[[nodiscard]] bool below(std::string_view name, std::string_view domain);
// In lower case, without the trailing dot.
[[nodiscard]] std::string host_key(std::string_view name);

}  // namespace sekisho::spf
