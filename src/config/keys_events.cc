// The keys of [suppression] and [events].
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

Table<C> events() {
    return {
        "events",
        false,
        "What happens, told to others as it happens, beside the journal.",
        {
            texts<C>(
                "kinds",
                SEKISHO_AT(events.kinds),
                "Which kinds, by the names of `sekisho events`. Empty: accepted, delivered, "
                "deferred, bounced, expired, held, released and dropped."
            ),
            text<C>(
                "file",
                SEKISHO_AT(events.file),
                "File that each event is appended to as a line of JSON. When it is renamed or "
                "removed, or at `sekisho reload`, it is opened anew. Empty: none."
            ),
            text<C>(
                "webhook",
                SEKISHO_AT(events.webhook),
                "URL (http or https) that events are sent to by POST, several at once as a JSON "
                "array. What isn't answered with 2xx is sent again, later and later; what the URL "
                "may get twice has the same `id`. Empty: none."
            ),
            text<C>(
                "webhook_secret",
                SEKISHO_AT(events.webhook_secret),
                "File with the key of the signature, `X-Sekisho-Signature: t=SECONDS,v1=HEX`: "
                "HMAC-SHA-256 of the seconds, a full stop and the body. Empty: unsigned."
            ),
            text<C>(
                "webhook_ca",
                SEKISHO_AT(events.webhook_ca),
                "PEM file with the certificate authorities that the URL's server is verified by. "
                "Empty: the system's."
            ),
            number<C>(
                "webhook_batch",
                SEKISHO_AT(events.webhook_batch),
                1,
                1000,
                "How many events are sent at once at most."
            ),
            duration<C>(
                "webhook_wait",
                SEKISHO_AT(events.webhook_wait),
                0s,
                1min,
                "How long the first event of a batch waits for others."
            ),
            number<C>(
                "webhook_buffer",
                SEKISHO_AT(events.webhook_buffer),
                100,
                1'000'000,
                "How many events wait while the URL doesn't answer; those beyond are dropped and "
                "counted."
            ),
        }
    };
}

}  // namespace

std::vector<Table<Config>> event_tables() {
    return {suppression(), events()};
}

#undef SEKISHO_AT

}  // namespace sekisho::config
