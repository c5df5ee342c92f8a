// What a queued message costs in memory and in time to come and go, by how many accounts share the
// queue, and how many others are handed out before one message of another account.
//
//   bench_schedule [MESSAGES]
#include "base/time.h"
#include "queue/index.h"
#include "queue/lane.h"
#include "queue/record.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <optional>

namespace {

namespace queue = sekisho::queue;
using sekisho::Duration;
using sekisho::Time;
using Clock = std::chrono::steady_clock;

constexpr Time kNow = Time{Duration{1'790'000'000'000}};

std::size_t allocated() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

double nanoseconds(Clock::time_point from, std::size_t count) {
    return std::chrono::duration<double, std::nano>(Clock::now() - from).count() /
           static_cast<double>(count);
}

void add(queue::Index& index, queue::MessageNumber number, std::uint64_t owner) {
    queue::Index::MessageRecord record;
    record.number = number;
    record.at = queue::Location::at(1, 4096 + number % 1'000'000 * 8);
    record.size = 10'000;
    record.due = kNow + Duration{static_cast<std::int64_t>(number % 1000)};
    record.expires = kNow + Duration{1'000'000};
    record.lane.owner = owner;
    index.message(record);
}

void measure(std::size_t messages, std::size_t owners) {
    const std::size_t before = allocated();
    std::optional<queue::Index> index(std::in_place);
    const auto filling = Clock::now();
    for (std::size_t i = 0; i < messages; ++i) {
        add(*index, i + 1, 1 + i % owners);
    }
    const double in = nanoseconds(filling, messages);
    const std::size_t bytes = (allocated() - before) / messages;

    // One more, of somebody else.
    const queue::MessageNumber other = messages + 1;
    add(*index, other, ~std::uint64_t{0});
    const Time later = kNow + Duration{10'000};
    std::size_t passed = 0;
    std::size_t taken = 0;
    const auto draining = Clock::now();
    while (const auto slot = index->take_due(later)) {
        ++taken;
        passed = slot->number == other ? taken - 1 : passed;
        index->finishing(slot->number);
        index->remove(slot->number);
    }
    fmt::print(
        "{:>9} messages of {:>7} accounts  {:>4} bytes each  in {:>5.0f} ns  out {:>5.0f} ns  "
        "{} before another's\n",
        messages,
        owners,
        bytes,
        in,
        nanoseconds(draining, taken),
        passed
    );
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t messages = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    for (const std::size_t owners : {1, 1000, 100'000}) {
        measure(messages / 10, owners);
        measure(messages, owners);
    }
    measure(messages, messages);
    return 0;
}
