// ns a packet by BPF_PROG_TEST_RUN: what the gate costs a packet that isn't port 25, and a verdict
// with random addresses among 10, 10,000 and 1,000,000 prefixes beside a plain LPM trie in the same
// run. Needs root. The harness (parsing, two random numbers, a counter) is measured too. Then
// packets on a veth pair, through the gate and through nftables (veth.cc).
#include "base/ip.h"
#include "bench/gate/traffic.h"
#include "bench/gate/veth.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/image.h"
#include "gate/enforce/image_map.h"
#include "gate/enforce/xdp_engine.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gate_bench.skel.h>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

namespace sekisho::gate {
namespace {

// The least of five runs: what disturbs a run only adds to it.
unsigned measure(int program, const Frame& frame, unsigned repeat = 1'000'000) {
    unsigned best = ~0U;
    for (int i = 0; i < 5; ++i) {
        bpf_test_run_opts options{};
        options.sz = sizeof(options);
        options.data_in = frame.data();
        options.data_size_in = static_cast<std::uint32_t>(frame.size());
        options.repeat = static_cast<int>(repeat);
        if (bpf_prog_test_run_opts(program, &options) != 0) {
            give_up("BPF_PROG_TEST_RUN failed");
        }
        best = std::min(best, options.duration);
    }
    return best;
}

void put_in_force(gate_bench* bench, const policy::Policy& policy) {
    const Clock::time_point start = Clock::now();
    const std::array<std::uint16_t, 4> slots{1, 2, 3, 4};
    const Image image(policy, slots);
    const auto map = make_image_map(image);
    if (!map) {
        give_up(map.error().message);
    }
    const std::uint32_t key = 0;
    if (bpf_map_update_elem(bpf_map__fd(bench->maps.policy_in_force), &key, &*map, BPF_ANY) != 0) {
        give_up("the policy could not be put in force");
    }
    close(*map);
    fmt::print(
        "{:>9} prefixes: image {} MiB, built and in force in {:.0f} ms; ",
        policy.prefixes().size(),
        image.chunks() * GATE_CHUNK_SIZE >> 20U,
        ms_since(start)
    );
}

void row(const std::string& what, unsigned ns, unsigned base) {
    fmt::print(
        "  {:<46} {:>6} ns   {:>+5} ns\n", what, ns, static_cast<int>(ns) - static_cast<int>(base)
    );
}

void run_fixed(XdpEngine& engine, int empty) {
    fmt::print("the program as attached (hot cache; beside: over an empty program)\n");
    const unsigned base = measure(empty, make_frame(true, 443));
    row("empty program", base, base);
    for (const bool v4 : {true, false}) {
        const std::string family = v4 ? "IPv4" : "IPv6";
        row(family + " port 443", measure(engine.program_fd(), make_frame(v4, 443)), base);
        row(family + " port 25, passed", measure(engine.program_fd(), make_frame(v4, 25)), base);
    }
}

// Leased addresses: what they cost a packet, and how long one more takes to be in force.
void run_overrides(XdpEngine& engine, int empty) {
    fmt::print("overrides of single addresses (hot cache; beside: over an empty program)\n");
    const unsigned base = measure(empty, make_frame(true, 443));
    std::vector<policy::Override> overrides;
    for (const std::size_t count : {0U, 1U, 1'000U, 50'000U}) {
        while (overrides.size() < count) {
            const auto next = static_cast<std::uint32_t>(overrides.size());
            overrides.push_back({Prefix{IpAddress::v4(0xcb000000U + next), 32}, 1, {}});
        }
        if (!engine.set_overrides(overrides)) {
            give_up("the overrides could not be set");
        }
        auto more = overrides;
        more.push_back({Prefix{IpAddress::v4(0xcc000001U), 32}, 1, {}});
        const Clock::time_point start = Clock::now();
        if (!engine.set_overrides(more)) {
            give_up("one more override could not be set");
        }
        const double took = ms_since(start);
        if (!engine.set_overrides(overrides)) {
            give_up("the override could not be taken back");
        }
        const unsigned cost = measure(engine.program_fd(), make_frame(true, 25));
        row(fmt::format("IPv4 port 25, passed, {} overrides", count), cost, base);
        fmt::print("  {:<46} {:>9.3f} ms\n", "  one more in force", took);
    }
    if (!engine.set_overrides({})) {
        give_up("the overrides could not be taken off");
    }
}

void run_random(std::size_t prefixes) {
    std::unique_ptr<gate_bench, void (*)(gate_bench*)> bench(
        gate_bench__open_and_load(), gate_bench__destroy
    );
    if (!bench) {
        give_up("the BPF programs could not be loaded; root is needed");
    }
    const auto policy = policy::Policy::compile(make_source(prefixes, policy::Action::Count));
    if (!policy) {
        give_up(policy.error().message);
    }
    put_in_force(bench.get(), **policy);
    const Tries tries{
        bpf_map__fd(bench->maps.trie_v4),
        bpf_map__fd(bench->maps.trie_v6),
        bpf_map__fd(bench->maps.trie_cells)
    };
    fmt::print("tries in {:.0f} ms\n", fill_tries(tries, **policy, GATE_ACTION_PASS));
    for (const bool v4 : {true, false}) {
        const Frame frame = make_frame(v4, 25);
        const std::string family = v4 ? "IPv4" : "IPv6";
        const unsigned base = measure(bpf_program__fd(bench->progs.harness), frame);
        row(family + " harness alone", base, base);
        row(family + " verdict by the gate's image",
            measure(bpf_program__fd(bench->progs.by_image), frame),
            base);
        row(family + " verdict by LPM tries",
            measure(bpf_program__fd(bench->progs.by_trie), frame),
            base);
    }
}

void run() {
    libbpf_set_print(nullptr);
    auto engine = XdpEngine::load(XdpMode::Auto);
    if (!engine) {
        give_up(engine.error().message);
    }
    {
        std::unique_ptr<gate_bench, void (*)(gate_bench*)> bench(
            gate_bench__open_and_load(), gate_bench__destroy
        );
        if (!bench) {
            give_up("the BPF programs could not be loaded; root is needed");
        }
        const auto policy = policy::Policy::compile(make_source(10'000, policy::Action::Count));
        if (!policy || !(*engine)->apply(*policy)) {
            give_up("the policy could not be applied");
        }
        run_fixed(**engine, bpf_program__fd(bench->progs.empty));
        run_overrides(**engine, bpf_program__fd(bench->progs.empty));
    }
    fmt::print("verdicts with two random addresses a packet (beside: over the harness)\n");
    for (const std::size_t prefixes : {10U, 10'000U, 1'000'000U}) {
        run_random(prefixes);
    }
}

}  // namespace
}  // namespace sekisho::gate

// Without an argument all of it; `programs` or `veth` a part.
int main(int argc, char** argv) {
    const std::string part = argc > 1 ? *std::next(argv) : "";
    if (argc > 2 || (!part.empty() && part != "programs" && part != "veth")) {
        sekisho::gate::give_up("usage: bench_gate [programs|veth]");
    }
    if (part != "veth") {
        sekisho::gate::run();
    }
    if (part != "programs") {
        sekisho::gate::run_veth();
    }
    return 0;
}
