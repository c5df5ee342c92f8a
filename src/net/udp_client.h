// One question in a datagram, one answer.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/task.h"

#include <functional>
#include <string>
#include <string_view>

namespace sekisho::net {

struct UdpQuestion {
    Endpoint to;
    std::string bytes;
    // Datagrams from there that aren't the answer (an older one, a forged one) are passed over.
    std::function<bool(std::string_view)> is_answer;
    Duration timeout{5'000};  // for all tries
    int tries = 3;            // sent again, the same, as the time goes by
};

// Timeout: nothing came that is an answer. Unavailable: it can't be sent, or nobody listens there.
Task<Result<std::string>> ask_udp(Executor executor, UdpQuestion question);

}  // namespace sekisho::net
