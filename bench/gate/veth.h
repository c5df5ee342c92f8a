// Packets on a veth pair between two network namespaces: what a packet costs with the gate in XDP,
// with it in traffic control, with plain LPM tries in XDP, and with nftables, beside a router that
// has none of them. All in one run, on one processor, generator included.
#pragma once

namespace sekisho::gate {

void run_veth();

}  // namespace sekisho::gate
