// The keys of [suppression].
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

#include <chrono>
#include <string>
#include <vector>

namespace sekisho::config {
namespace {

using C = Config;
using namespace std::chrono_literals;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

Table<C> suppression() {
    return {
        "suppression",
        false,
        "Recipients that only bounce: mail that accounts submit for them is refused. Notifications "
        "and other mail of the system always goes. `sekisho suppression` shows and changes the "
        "list.",
        {
            number<C>(
                "after",
                SEKISHO_AT(suppression.after),
                0,
                1000,
                "How many times in `within` others must have said that there is no such mailbox, "
                "before a recipient is refused. 0: none is added by itself."
            ),
            duration<C>(
                "within", SEKISHO_AT(suppression.within), 1h, 24h * 366, "For how long they count."
            ),
            duration<C>(
                "keep",
                SEKISHO_AT(suppression.keep),
                1h,
                24h * 3650,
                "How long a recipient is refused then."
            ),
        }
    };
}

}  // namespace

std::vector<Table<Config>> event_tables() {
    return {suppression()};
}

#undef SEKISHO_AT

}  // namespace sekisho::config
