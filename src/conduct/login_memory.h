// Where logins are kept so that a restart of the mail role doesn't give every guesser a new start.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <string>
#include <vector>

namespace sekisho::conduct {

struct LoginMark {
    std::string login;
    IpAddress address;
    Time at{};
};

class LoginMemory {
  public:
    virtual ~LoginMemory() = default;
    // One mark for each login and address: the last. NotFound: no such account.
    virtual Status keep_success(const LoginMark& mark) = 0;
    virtual Status keep_failure(const LoginMark& mark) = 0;
    // In order of time, the newest `limit` of them; what is older than `since` is forgotten.
    [[nodiscard]] virtual Result<std::vector<LoginMark>> successes(
        Time since, std::size_t limit
    ) = 0;
    [[nodiscard]] virtual Result<std::vector<LoginMark>> failures(
        Time since, std::size_t limit
    ) = 0;
};

}  // namespace sekisho::conduct
