// Whether an address is this machine's.
#pragma once

#include "base/ip.h"
#include "base/result.h"

namespace sekisho::net {

// Whether connections can be made from it now.
[[nodiscard]] Status check_own_address(const IpAddress& address);

}  // namespace sekisho::net
