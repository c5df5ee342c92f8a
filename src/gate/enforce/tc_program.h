// The gate's program for traffic control, loaded when it is first needed.
#pragma once

#include "base/result.h"

#include <memory>

struct bpf_object;
struct gate_tc;

namespace sekisho::gate {

class TcProgram {
  public:
    TcProgram();
    ~TcProgram();
    TcProgram(const TcProgram&) = delete;
    TcProgram& operator=(const TcProgram&) = delete;

    // The program's descriptor. Its maps are those of the XDP program: one policy, one set of
    // counters, wherever a packet comes in.
    [[nodiscard]] Result<int> load(bpf_object* xdp);

  private:
    struct Close {
        void operator()(gate_tc* skeleton) const;
    };
    std::unique_ptr<gate_tc, Close> program_;
};

}  // namespace sekisho::gate
