// ns a packet by BPF_PROG_TEST_RUN: what the gate costs a packet that isn't port 25, and a verdict
// with random addresses among 10, 10,000 and 1,000,000 prefixes beside a plain LPM trie in the same
// run. Needs root. The harness (parsing, two random numbers, a counter) is measured too.
#include "base/ip.h"
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
#include <memory>
#include <random>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

namespace sekisho::gate {
namespace {

using Clock = std::chrono::steady_clock;
using Frame = std::vector<std::uint8_t>;

[[noreturn]] void give_up(const std::string& why) {
    fmt::print(stderr, "bench_gate: {}\n", why);
    std::exit(1);  // NOLINT(concurrency-mt-unsafe): one thread
}

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Frame make_frame(bool v4, std::uint16_t port) {
    Frame out(v4 ? 60 : 74, 0);
    out[12] = v4 ? 0x08 : 0x86;
    out[13] = v4 ? 0x00 : 0xdd;
    std::size_t tcp = 14;
    if (v4) {
        out[14] = 0x45;
        out[17] = 40;
        out[23] = 6;
        const std::array<std::uint8_t, 8> ends{16, 0, 0, 1, 17, 0, 0, 1};
        std::copy(ends.begin(), ends.end(), out.begin() + 26);
        tcp += 20;
    } else {
        out[14] = 0x60;
        out[19] = 20;
        out[20] = 6;
        for (const std::size_t at : {22U, 38U}) {
            const std::array<std::uint8_t, 4> start{0x20, 0x01, 0x0d, 0xb8};
            std::copy(start.begin(), start.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
        }
        tcp += 40;
    }
    out[tcp] = 0x9c;
    out[tcp + 2] = static_cast<std::uint8_t>(port >> 8U);
    out[tcp + 3] = static_cast<std::uint8_t>(port);
    out[tcp + 12] = 0x50;
    out[tcp + 13] = 0x02;
    return out;
}

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

// Four fifths IPv4 of /20 to /32 in 16.0.0.0/4, one fifth IPv6 of /40 to /64 in 2001:db8::/32.
policy::Source make_source(std::size_t prefixes) {
    std::mt19937_64 random(25);
    policy::Source source;
    source.classes = {{"a", "", {}, ""}, {"b", "", {}, ""}, {"c", "", {}, ""}};
    source.rules = {
        {"a-b", "a", "b", policy::Action::Count, policy::Stage::Enforce, "", ""},
        {"all", "*", "*", policy::Action::Count, policy::Stage::Enforce, "", ""},
    };
    std::set<Prefix> used;
    while (used.size() < prefixes) {
        Prefix prefix;
        if (used.size() % 5 != 0) {
            const auto address = static_cast<std::uint32_t>((random() & 0x0fffffffU) | 0x10000000U);
            // As address plans are: most of them short-lived single addresses and /24s.
            const int length = random() % 2 == 0 ? 32 : 20 + static_cast<int>(random() % 13);
            prefix = Prefix(IpAddress::v4(address), length);
        } else {
            std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
            for (std::size_t i = 4; i < 8; ++i) {
                bytes.at(i) = static_cast<std::uint8_t>(random());
            }
            prefix = Prefix(IpAddress::v6(bytes), 40 + static_cast<int>(random() % 25));
        }
        if (used.insert(prefix).second) {
            source.classes[random() % 3].prefixes.push_back(prefix);
        }
    }
    return source;
}

void put_in_force(gate_bench* bench, const policy::Policy& policy) {
    const Clock::time_point start = Clock::now();
    const std::array<std::uint16_t, 2> slots{1, 2};
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

void fill_tries(gate_bench* bench, const policy::Policy& policy) {
    struct Key {
        std::uint32_t length;
        std::array<std::uint8_t, 16> address;
    };
    const Clock::time_point start = Clock::now();
    for (const auto& [prefix, id] : policy.prefixes()) {
        const Key key{static_cast<std::uint32_t>(prefix.length()), prefix.address().bytes()};
        const std::uint32_t value = id;
        const int map = bpf_map__fd(prefix.is_v4() ? bench->maps.trie_v4 : bench->maps.trie_v6);
        if (bpf_map_update_elem(map, &key, &value, BPF_ANY) != 0) {
            give_up("the trie is full");
        }
    }
    for (std::uint32_t i = 0; i < GATE_CLASSES * GATE_CLASSES; ++i) {
        const gate_cell cell{1, GATE_ACTION_PASS, 0};
        (void)bpf_map_update_elem(bpf_map__fd(bench->maps.trie_cells), &i, &cell, BPF_ANY);
    }
    fmt::print("tries in {:.0f} ms\n", ms_since(start));
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
    const auto policy = policy::Policy::compile(make_source(prefixes));
    if (!policy) {
        give_up(policy.error().message);
    }
    put_in_force(bench.get(), **policy);
    fill_tries(bench.get(), **policy);
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

int run() {
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
        const auto policy = policy::Policy::compile(make_source(10'000));
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
    return 0;
}

}  // namespace
}  // namespace sekisho::gate

int main() {
    return sekisho::gate::run();
}
