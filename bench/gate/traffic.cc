#include "bench/gate/traffic.h"

#include "base/ip.h"
#include "gate/bpf/layout.h"
#include "policy/policy.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace sekisho::gate {

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
        out[22] = 64;
        out[23] = 6;
        const std::array<std::uint8_t, 8> ends{16, 0, 0, 1, 17, 0, 0, 1};
        std::copy(ends.begin(), ends.end(), out.begin() + 26);
        tcp += 20;
    } else {
        out[14] = 0x60;
        out[19] = 20;
        out[20] = 6;
        out[21] = 64;
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

policy::Source make_source(std::size_t prefixes, policy::Action action) {
    std::mt19937_64 random(25);
    policy::Source source;
    source.classes = {{"a", "", {}, ""}, {"b", "", {}, ""}, {"c", "", {}, ""}};
    for (const char* name : {"a", "b", "c", "outside"}) {
        source.rules.push_back(
            {std::string("by-") + name, name, "*", action, policy::Stage::Enforce, "", ""}
        );
    }
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

double fill_tries(const Tries& tries, const policy::Policy& policy, gate_action action) {
    struct Key {
        std::uint32_t length;
        std::array<std::uint8_t, 16> address;
    };
    const Clock::time_point start = Clock::now();
    for (const auto& [prefix, id] : policy.prefixes()) {
        const Key key{static_cast<std::uint32_t>(prefix.length()), prefix.address().bytes()};
        const std::uint32_t value = id;
        const int map = prefix.is_v4() ? tries.v4 : tries.v6;
        if (bpf_map_update_elem(map, &key, &value, BPF_ANY) != 0) {
            give_up("the trie is full");
        }
    }
    for (std::uint32_t i = 0; i < GATE_CLASSES * GATE_CLASSES; ++i) {
        const gate_cell cell{1, static_cast<std::uint8_t>(action), 0, 0, 0};
        (void)bpf_map_update_elem(tries.cells, &i, &cell, BPF_ANY);
    }
    return ms_since(start);
}

}  // namespace sekisho::gate
