// How long a spool with a long queue takes to open: by the hints of its segments, and by reading
// them all; and what the queue takes of memory then.
//
//   bench_open [DIRECTORY [MESSAGES [SIZE]]]
#include "base/time.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <malloc.h>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

namespace fs = std::filesystem;
namespace queue = sekisho::queue;
namespace store = sekisho::store;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

std::size_t allocated() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

std::unique_ptr<queue::Spool> open_spool(const fs::path& folder, bool use_hints) {
    store::SpoolOptions options;
    options.directory = folder;
    options.free_space_min = 0;
    options.use_hints = use_hints;
    auto spool = store::SpoolLog::open(std::move(options));
    if (!spool) {
        throw std::runtime_error(spool.error().message);
    }
    return std::move(*spool);
}

// Every message has an account of its own: the dearest case for the schedule.
queue::Envelope envelope(std::size_t number) {
    queue::Envelope envelope;
    envelope.reverse_path = fmt::format("subscriber{}@example.net", number);
    envelope.account = envelope.reverse_path;
    envelope.client = "192.0.2.77";
    envelope.message_id = fmt::format("<{}.bench@example.net>", number);
    envelope.recipients.push_back({.address = fmt::format("recipient{}@example.org", number)});
    envelope.accepted = sekisho::now();
    return envelope;
}

void fill(queue::Spool& spool, std::size_t messages, const std::string& body) {
    constexpr int kInFlight = 1024;
    std::counting_semaphore<kInFlight> room(kInFlight);
    std::atomic<std::size_t> failed = 0;
    for (std::size_t i = 0; i < messages; ++i) {
        room.acquire();
        spool.append(envelope(i), body, [&](const sekisho::Result<std::string>& result) {
            failed += result ? 0 : 1;
            room.release();
        });
    }
    for (int i = 0; i < kInFlight; ++i) {
        room.acquire();
    }
    if (failed > 0) {
        throw std::runtime_error(fmt::format("{} messages were not taken", failed.load()));
    }
}

void measure(const fs::path& folder, const char* how, bool use_hints) {
    const std::size_t before = allocated();
    const auto start = Clock::now();
    const auto spool = open_spool(folder, use_hints);
    const double seconds = seconds_since(start);
    const std::uint64_t queued = spool->counters().queued;
    fmt::print(
        "{:<28} {:>9} messages in {:>6.2f} s, {:>4} bytes of memory each, {} damaged\n",
        how,
        queued,
        seconds,
        (allocated() - before) / std::max<std::uint64_t>(queued, 1),
        spool->damage().size()
    );
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const fs::path folder = fs::path(argc > 1 ? argv[1] : "/var/tmp") / "sekisho-bench-open";
        const std::size_t messages = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
        const std::size_t size = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 2000;
        fs::remove_all(folder);
        const auto start = Clock::now();
        fill(*open_spool(folder, true), messages, std::string(size, 'x'));
        fmt::print(
            "{} messages of {} octets written in {:.1f} s\n", messages, size, seconds_since(start)
        );
        measure(folder, "opened by hints", true);
        measure(folder, "opened by reading segments", false);
        measure(folder, "opened by hints, again", true);
        fs::remove_all(folder);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
