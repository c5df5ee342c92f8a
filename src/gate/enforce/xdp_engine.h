// The XDP engine with what tests and benchmarks need beyond Engine.
#pragma once

#include "base/result.h"
#include "gate/enforce/engine.h"

#include <cstdint>
#include <memory>
#include <string>

namespace sekisho::gate {

class XdpEngine : public Engine {
  public:
    [[nodiscard]] static Result<std::unique_ptr<XdpEngine>> load(
        XdpMode mode, std::string pin = {}
    );
    // For BPF_PROG_TEST_RUN; the engine owns it.
    [[nodiscard]] virtual int program_fd() const = 0;
    // The same for traffic control, loaded when it isn't yet.
    [[nodiscard]] virtual Result<int> tc_program_fd() = 0;
    // Attaches the program that passes everything, in native mode: what the other end of a veth
    // pair needs before XDP_TX reaches it. Ends with the engine.
    virtual Status attach_pass(const std::string& interface) = 0;
    // How many sources not remembered each processor takes up in a second; the packets of others
    // are judged and counted, not reported.
    virtual Status allow_new_sources(std::uint32_t each) = 0;
};

}  // namespace sekisho::gate
