// The keys of the pages, and of what mail programs are told.
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

namespace sekisho::config {
namespace {

using C = Config;

}  // namespace
#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

Table<C> http_table() {
    return {
        "http",
        false,
        "The guide, the desk and the metrics.",
        {
            at_start(with_default(
                parsed<Endpoint, C>(
                    "listen", SEKISHO_AT(http.listen), "list of endpoints", "Where they are served."
                ),
                R"(["0.0.0.0:8025", "[::]:8025"])"
            )),
            at_start(
                flag<C>("tls", SEKISHO_AT(http.tls), "Serve HTTPS with the certificate of `[tls]`.")
            ),
        }
    };
}

Table<C> settings_table() {
    return {
        "settings",
        false,
        "What a mail program is told: every page, picture and autoconfiguration format is made "
        "from these.",
        {
            text<C>(
                "outgoing_host",
                SEKISHO_AT(settings.outgoing_host),
                "Outgoing server. Empty: `mail.hostname`."
            ),
            number<C>(
                "submission_port",
                SEKISHO_AT(settings.submission_port),
                1,
                65535,
                "Port with STARTTLS."
            ),
            number<C>(
                "submissions_port",
                SEKISHO_AT(settings.submissions_port),
                1,
                65535,
                "Port with implicit TLS."
            ),
            text<C>(
                "incoming_host",
                SEKISHO_AT(settings.incoming_host),
                "Incoming server; may be another provider's. Empty: the outgoing one."
            ),
            choice<C>(
                "incoming_type",
                SEKISHO_AT(settings.incoming_type),
                {"imap", "pop3", "none"},
                "Protocol of the incoming server. Most mail programs refuse to configure "
                "themselves with `none`."
            ),
            number<C>(
                "incoming_port",
                SEKISHO_AT(settings.incoming_port),
                1,
                65535,
                "Port of the incoming server."
            ),
        }
    };
}

#undef SEKISHO_AT

}  // namespace sekisho::config
