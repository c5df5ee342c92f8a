// Does one scenario a fixed number of times, for callgrind to count:
//
//   valgrind --tool=callgrind --toggle-collect=sekisho_counted bench_count SCENARIO TIMES
//
// Without arguments it names the scenarios that can be counted.
#include "bench/micro/scenarios.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <string_view>

// Callgrind counts while this runs: the set-up is outside.
extern "C" [[gnu::noinline]] bool sekisho_counted(const std::function<bool()>* once, int times) {
    bool good = true;
    for (int i = 0; i < times; ++i) {
        good = (*once)() && good;
    }
    return good;
}

int main(int argc, char** argv) {
    const auto& all = sekisho::bench::scenarios();
    if (argc == 1) {
        for (const auto& scenario : all) {
            if (scenario.steady) {
                fmt::print("{}\n", scenario.name);
            }
        }
        return 0;
    }
    int times = 0;
    const std::string_view wanted = argc == 3 ? argv[2] : "";
    const char* end = wanted.data() + wanted.size();
    const auto read = std::from_chars(wanted.data(), end, times);
    if (wanted.empty() || read.ptr != end || times < 1) {
        fmt::print(stderr, "bench_count SCENARIO TIMES\n");
        return 2;
    }
    for (const auto& scenario : all) {
        if (scenario.name == argv[1]) {
            const auto once = scenario.prepare();
            once();  // what is made at the first use is made
            return sekisho_counted(&once, times) ? 0 : 1;
        }
    }
    fmt::print(stderr, "no scenario {}\n", argv[1]);
    return 2;
}
