// A flow to port 25 that was seen, and how the gate's journal says where it went.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "policy/policy.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::gate {

// The class of the other end, for an event's detail, and back; nullopt: some other text.
[[nodiscard]] std::string other_end(policy::Direction direction, std::string_view class_name);
[[nodiscard]] std::optional<std::string> class_of_other_end(std::string_view detail);

struct SeenFlow {
    Time at{};
    IpAddress client;
    std::string line;                 // empty: not known
    std::optional<IpAddress> server;  // where it went, or the class of it
    std::string server_class;
    std::int64_t packets = 1;
    bool was_cut = false;
};

}  // namespace sekisho::gate
