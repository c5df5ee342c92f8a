// What a domain elsewhere tells mail programs of its submission servers, so that its user can be
// sent there: Mozilla's autoconfiguration, at the two addresses that it has for it.
#pragma once

#include "base/result.h"
#include "mail/alignment.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/tls.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

// Servers of type SMTP that want TLS; implicit TLS first. Invalid: it is no such document.
[[nodiscard]] Result<std::vector<OutsideService>> read_autoconfig(std::string_view xml);

struct OutsideWeb {
    std::shared_ptr<const net::TlsContext> tls;  // null: nothing is asked
    bool private_too = false;  // servers at addresses that only we can reach are asked as well
};
// Nobody's address is told: the document of the domain as a whole is asked for. Empty: none says.
net::Task<std::vector<OutsideService>> fetch_autoconfig(
    net::Resolver* resolver, net::Executor executor, OutsideWeb web, std::string domain
);

}  // namespace sekisho::mail
