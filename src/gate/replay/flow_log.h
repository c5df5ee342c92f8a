// A flow log: a table with a header, comma-separated, semicolons or tabs. Columns by their names,
// in any order; others are left aside:
//
//   client   also sa, srcaddr, ip.src, ipv6.src
//   server   also da, dstaddr, ip.dst, ipv6.dst
//   time     also ts, first, frame.time_epoch: "2026-11-24 09:00:00" (UTC), RFC 3339, or seconds
//   port     also dp, dstport, tcp.dstport; rows of another port than 25 are left aside
//   packets  also ipkt, pkt; 1 if there is no such column
//   line     the subscriber, where the log knows it
#pragma once

#include "gate/replay/seen.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::gate {

struct FlowLog {
    std::vector<SeenFlow> flows;
    std::size_t other_ports = 0;
    struct Fault {
        std::size_t row = 0;  // counted from 1, the header among them; 0: the whole
        std::string message;
    };
    std::vector<Fault> faults;  // kFaultsMax at most
    std::size_t faulty = 0;     // rows
};
inline constexpr std::size_t kFlowFaultsMax = 20;

[[nodiscard]] FlowLog read_flow_log(std::string_view text);

}  // namespace sekisho::gate
