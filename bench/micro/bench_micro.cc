// Times the scenarios with Google Benchmark: bench_micro [--benchmark_filter=NAME] ...
#include "bench/micro/scenarios.h"

#include <benchmark/benchmark.h>

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    for (const auto& scenario : sekisho::bench::scenarios()) {
        auto* made = benchmark::RegisterBenchmark(
            scenario.name.c_str(),
            [&scenario](benchmark::State& state) {
                const auto once = scenario.prepare();
                for (auto _ : state) {
                    if (!once()) {
                        state.SkipWithError("not the result it has to be");
                        break;
                    }
                }
            }
        );
        if (!scenario.steady) {
            made->UseRealTime();  // it waits for a disk
        }
    }
    return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;
}
