// The keys of [mail] that say what the SMTP server offers beyond the base protocol.
#include "base/ip.h"
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

#include <chrono>
#include <optional>
#include <string>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using namespace std::chrono_literals;
using C = Config;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

}  // namespace

std::vector<Key<Config>> smtp_keys() {
    return {
        flag<C>(
            "binarymime",
            SEKISHO_AT(mail.binarymime),
            "Offer BINARYMIME (RFC 3030): bodies that are not lines. A binary message goes on as "
            "it is, so it is returned (5.6.3) where the next host doesn't take such; clients that "
            "aren't offered it encode instead, which arrives everywhere."
        ),
        flag<C>(
            "deliver_by",
            SEKISHO_AT(mail.deliver_by),
            "Offer DELIVERBY (RFC 2852): a sender may say until when a message is of use, and "
            "whether it is returned after that or he is told."
        ),
        duration<C>(
            "deliver_by_min",
            SEKISHO_AT(mail.deliver_by_min),
            0s,
            24h,
            "The shortest time that DELIVERBY takes for messages to be returned; shorter ones are "
            "answered 555. 0s: any."
        ),
        flag<C>(
            "priority",
            SEKISHO_AT(mail.priority),
            "Offer MT-PRIORITY (RFC 6710): messages with a priority from -9 to 9, 0 is the normal "
            "one. Anyone may ask for less than `priority_max`."
        ),
        number<C>(
            "priority_max",
            SEKISHO_AT(mail.priority_max),
            0,
            9,
            "The highest priority that anyone is granted. Who asks for more gets this one and is "
            "told so (250 2.3.6)."
        ),
        texts<C>(
            "priority_from",
            SEKISHO_AT(mail.priority_from),
            "Who is granted what he asks for: logins (submission), addresses and prefixes (port "
            "25)."
        ),
        flag<C>(
            "require_tls",
            SEKISHO_AT(mail.require_tls),
            "Offer REQUIRETLS (RFC 8689) under TLS: the sender wants the message to go on under "
            "TLS only, and otherwise back (5.7.30)."
        ),
    };
}

#undef SEKISHO_AT

}  // namespace sekisho::config
