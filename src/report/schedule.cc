#include "report/schedule.h"

#include "base/bytes.h"
#include "base/time.h"
#include "report/ledger.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sekisho::report {

Time due_time(const Slot& slot, const Schedule& schedule) {
    Time out = begin_of(slot.day + 1) + schedule.at;
    if (schedule.spread > Duration{0}) {
        const std::string digest = sha256(
            schedule.seed + '\n' + std::string(name(slot.kind)) + '\n' + slot.domain + '\n' +
            std::to_string(slot.day)
        );
        std::uint64_t chosen = 0;
        constexpr std::size_t kOctets = 6;
        for (std::size_t i = 0; i < kOctets; ++i) {
            chosen = chosen * 256 + static_cast<unsigned char>(digest[i]);
        }
        out += Duration{
            static_cast<std::int64_t>(chosen % static_cast<std::uint64_t>(schedule.spread.count()))
        };
    }
    return out;
}

Time next_try(int tries, Time now) {
    constexpr Duration kFirst = std::chrono::minutes(15);
    constexpr int kDoublings = 4;  // up to four hours
    return now + kFirst * (1 << std::clamp(tries - 1, 0, kDoublings));
}

}  // namespace sekisho::report
