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
        at_start(parsed<Endpoint, C>(
            "submissions_alpn",
            SEKISHO_AT(mail.submissions_alpn),
            "list of endpoints",
            "Submission with implicit TLS for networks that let nothing out but port 443: clients "
            "say with ALPN (RFC 7301) that they want `smtp`. A browser is told where the guide is. "
            "The guide's own HTTPS needs another address or port."
        )),
        parsed<Prefix, C>(
            "proxy_from",
            SEKISHO_AT(mail.proxy_from),
            "list of prefixes",
            "Load balancers. Each connection from them must begin with a PROXY header (version 1 "
            "or 2), else it is closed; the address in it is the client's for everything here."
        ),
        parsed<Prefix, C>(
            "xclient_from",
            SEKISHO_AT(mail.xclient_from),
            "list of prefixes",
            "Proxies that may say with XCLIENT which client they speak for. Others are not "
            "offered it."
        ),
        number<C>(
            "stress_at",
            SEKISHO_AT(mail.stress_at),
            1,
            100,
            "Per cent of `connections_max` from which on clients are given 10 seconds for a "
            "command and 30 for data instead of minutes, and are closed after one wrong command."
        ),
        number<C>(
            "data_rate_min",
            SEKISHO_AT(mail.data_rate_min),
            0,
            1000000,
            "Octets a second that a message must come with in the long run, after its first "
            "minutes; slower clients are closed with 421 4.4.2. 0: any."
        ),
        flag<C>(
            "reencode",
            SEKISHO_AT(mail.reencode),
            "Whether submitted mail that other servers couldn't take is encoded anew (RFC 6409 "
            "§8): lines of more than 998 octets as quoted-printable or base64, characters in the "
            "header that aren't ASCII as encoded words. What is signed or encrypted never is. "
            "Off: long lines are answered 550, and the header goes on as it is."
        ),
        flag<C>(
            "null_mx",
            SEKISHO_AT(mail.null_mx),
            "Whether a null MX (RFC 7505), by which a domain says that it takes no mail, is looked "
            "at while the client waits: a recipient there is answered 556 5.1.10 at submission, "
            "instead of a notice later; and on port 25 a sender there 550 5.7.27, where `spf` or "
            "`dmarc` is `enforce`. A slow answer of the DNS is not waited for."
        ),
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
