// The keys of [desk].
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

#include <chrono>

namespace sekisho::config {

using namespace std::chrono_literals;

Table<Config> desk_table() {
    return {
        "desk",
        false,
        "Operators at the console (`sekisho operator`).",
        {
            duration<Config>(
                "session_idle",
                [](auto& c) -> auto& { return c.desk.session_idle; },
                1min,
                24h,
                "A session ends when nothing was asked in it for so long."
            ),
            duration<Config>(
                "session_max",
                [](auto& c) -> auto& { return c.desk.session_max; },
                5min,
                7 * 24h,
                "A session ends so long after it began."
            ),
        }
    };
}

}  // namespace sekisho::config
