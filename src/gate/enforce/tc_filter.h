// The gate's filter at the ingress of traffic control, for an interface that XDP can't have. The
// kernel keeps it, with the queueing discipline (clsact) that it hangs in, until it is taken off:
// it outlives the process.
#pragma once

#include "base/result.h"

#include <string>

namespace sekisho::gate {

// Puts the program there, in one step where a gate before us has left its own. What was there
// already is told by the result.
struct TcPut {
    bool taken_over = false;
};
[[nodiscard]] Result<TcPut> put_tc_filter(int program, const std::string& name, unsigned index);
[[nodiscard]] bool has_tc_filter(unsigned index);
// Takes it off; and clsact, if it was made for it and nobody else's filter is in it. False: there
// was none.
[[nodiscard]] Result<bool> remove_tc_filter(unsigned index);

}  // namespace sekisho::gate
