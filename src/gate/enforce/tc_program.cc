#include "gate/enforce/tc_program.h"

#include "base/result.h"
#include "gate/enforce/image_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <gate_tc.skel.h>
#include <memory>
#include <string>
#include <utility>

namespace sekisho::gate {

void TcProgram::Close::operator()(gate_tc* skeleton) const {
    gate_tc__destroy(skeleton);
}

TcProgram::TcProgram() = default;
TcProgram::~TcProgram() = default;

Result<int> TcProgram::load(bpf_object* xdp) {
    if (program_) {
        return bpf_program__fd(program_->progs.sekisho_gate_tc);
    }
    std::unique_ptr<gate_tc, Close> opened(gate_tc__open());
    if (!opened) {
        return fail(bpf_error("opening the program for traffic control", errno));
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, opened->obj) {
        const int shared = bpf_object__find_map_fd_by_name(xdp, bpf_map__name(map));
        if (const int error = shared < 0 ? -shared : -bpf_map__reuse_fd(map, shared); error != 0) {
            return fail(bpf_error(std::string("sharing the map ") + bpf_map__name(map), error));
        }
    }
    if (const int error = -gate_tc__load(opened.get()); error != 0) {
        return fail(bpf_error("loading the program for traffic control", error));
    }
    program_ = std::move(opened);
    return bpf_program__fd(program_->progs.sekisho_gate_tc);
}

}  // namespace sekisho::gate
