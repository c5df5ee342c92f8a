// The queue under simulation: many seeds, each a run of hours in a moment.
//
//   spool_sim [--seeds A-B] [--seconds S] [--trace]
//
// A failure names its seed; `--seeds N-N --trace` repeats it, event by event and with the log. With
// --seconds no seed is begun after so long: `--seeds 1-1000000 --seconds 600` is ten minutes'
// worth.
#include "sim/scenario.h"
#include "sim/world.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>

namespace {

using sekisho::sim::Broken;
using sekisho::sim::Outcome;
using sekisho::sim::run_seed;

struct Arguments {
    std::uint64_t first = 1, last = 8;
    std::uint64_t seconds = 1ULL << 32U;
    bool trace = false;
    bool good = true;
};

bool read_number(std::string_view text, std::uint64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

Arguments read_arguments(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--trace") {
            arguments.trace = true;
            continue;
        }
        const std::string_view range = i + 1 < argc ? argv[++i] : "";
        if (word == "--seconds") {
            arguments.good = arguments.good && read_number(range, arguments.seconds);
            continue;
        }
        const std::size_t dash = range.find('-');
        arguments.good = arguments.good && word == "--seeds" && dash != std::string_view::npos &&
                         read_number(range.substr(0, dash), arguments.first) &&
                         read_number(range.substr(dash + 1), arguments.last) &&
                         arguments.first <= arguments.last;
    }
    return arguments;
}

// The seed of an assertion's failure isn't lost either.
std::array<char, 64> aborted{};

void on_abort(int /*signal*/) {
    (void)!::write(STDOUT_FILENO, aborted.data(), std::string_view(aborted.data()).size());
}

bool run_one(std::uint64_t seed, const Arguments& arguments, sekisho::sim::Ledger::Totals& sum) {
    fmt::format_to_n(aborted.data(), aborted.size() - 1, "seed {} aborted\n", seed);
    try {
        const Outcome outcome = run_seed(seed, arguments.trace);
        const auto& t = outcome.totals;
        if (t.accepted != t.delivered + t.returned + t.dropped + t.unreturnable) {
            throw Broken("the sums differ");
        }
        if (seed == arguments.first && run_seed(seed, false).digest != outcome.digest) {
            throw Broken("two runs of one seed differ");
        }
        sum.accepted += t.accepted;
        sum.delivered += t.delivered;
        sum.returned += t.returned;
        sum.dropped += t.dropped;
        sum.unreturnable += t.unreturnable;
        sum.duplicates += t.duplicates;
        sum.unanswered += t.unanswered;
        sum.lives += t.lives;
        return true;
    } catch (const Broken& broken) {
        fmt::print("seed {0} FAILED: {1}; again: --seeds {0}-{0} --trace\n", seed, broken.what());
        std::fflush(stdout);
        return false;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments = read_arguments(argc, argv);
    if (!arguments.good) {
        fmt::print(stderr, "usage: spool_sim [--seeds A-B] [--seconds S] [--trace]\n");
        return 2;
    }
    if (!arguments.trace) {
        // The spool tells of every fault that it is given.
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(nowhere, STDERR_FILENO);
        ::close(nowhere);
    }
    (void)std::signal(SIGABRT, on_abort);
    sekisho::sim::Ledger::Totals sum;
    std::uint64_t failures = 0;
    std::uint64_t seed = arguments.first;
    const auto began = std::chrono::steady_clock::now();
    const std::chrono::seconds enough(static_cast<std::int64_t>(arguments.seconds));
    for (; seed <= arguments.last && std::chrono::steady_clock::now() - began < enough; ++seed) {
        failures += run_one(seed, arguments, sum) ? 0 : 1;
    }
    fmt::print(
        "{} seeds, {} lives: accepted {} = delivered {} + returned {} + dropped by an operator {} "
        "+ notifications that nobody took {}; duplicates in flight {}, accepted without an answer "
        "{}; failed seeds {}\n",
        seed - arguments.first,
        sum.lives,
        sum.accepted,
        sum.delivered,
        sum.returned,
        sum.dropped,
        sum.unreturnable,
        sum.duplicates,
        sum.unanswered,
        failures
    );
    return failures == 0 && sum.accepted > 0 && sum.duplicates > 0 ? 0 : 1;
}
