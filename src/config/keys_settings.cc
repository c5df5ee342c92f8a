// The keys of the pages, and of what mail programs are told.
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using namespace std::chrono_literals;
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

Table<C> acme_table() {
    return {
        "acme",
        false,
        "A certificate for mail and guide from an authority by ACME (RFC 8555, HTTP-01), renewed "
        "by itself; nobody's connection is dropped for it. The program lego must be installed, and "
        "port 80 of every name must reach `listen` or `http.listen`.",
        {
            text<C>(
                "directory",
                SEKISHO_AT(acme.directory),
                "The authority's directory, as `https://acme-v02.api.letsencrypt.org/directory`. "
                "Empty: off. `tls.certificate` must be empty then."
            ),
            text<C>(
                "mail", SEKISHO_AT(acme.mail), "Your address, for the account at the authority."
            ),
            flag<C>("agree", SEKISHO_AT(acme.agree), "You agree to the authority's terms."),
            texts<C>(
                "names",
                SEKISHO_AT(acme.names),
                "Names in the certificate. Empty: `mail.hostname`, `settings.outgoing_host` and "
                "the host of `provider.guide_url`."
            ),
            duration<C>(
                "renew_before",
                SEKISHO_AT(acme.renew_before),
                1min,
                24h * 365,
                "How long before its end it is renewed."
            ),
            at_start(parsed<Endpoint, C>(
                "listen",
                SEKISHO_AT(acme.listen),
                "list of endpoints",
                "Where the desk role answers the authority's challenges in plain HTTP, usually "
                "`[\"0.0.0.0:80\", \"[::]:80\"]`; anything else is sent on to the guide. Empty: "
                "`http.listen` does."
            )),
            text<C>("client", SEKISHO_AT(acme.client), "The program lego, by name or path."),
            text<C>(
                "ca",
                SEKISHO_AT(acme.ca),
                "PEM file of the authorities to trust as the directory. Empty: the system's."
            ),
        }
    };
}

std::vector<std::pair<std::string, std::string>> acme_faults(const Config& config) {
    std::vector<std::pair<std::string, std::string>> out;
    const Acme& acme = config.acme;
    if (acme.directory.empty()) {
        return out;
    }
    if (!config.tls.certificate.empty()) {
        out.emplace_back("acme", "leave tls.certificate empty: the certificate comes by acme");
    }
    if (!acme.agree) {
        out.emplace_back(
            "acme.agree", "must be true: the authority wants you to agree to its terms"
        );
    }
    if (acme.mail.find('@') == std::string::npos) {
        out.emplace_back("acme.mail", "an address is needed for the account at the authority");
    }
    return out;
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
            flag<C>(
                "pacc",
                SEKISHO_AT(settings.pacc),
                "Also offer the form of draft-ietf-mailmaint-pacc, an experiment: "
                "`https://ua-auto-config.DOMAIN/.well-known/user-agent-configuration.json`, whose "
                "digest `sekisho dns` prints. It has only servers with implicit TLS at their usual "
                "ports (465, 993, 995); a change of settings needs the new record first."
            ),
            text<C>(
                "pictures",
                SEKISHO_AT(settings.pictures),
                "Folder with `thunderbird-ja.png` and `thunderbird-en.png`, which `./dev pictures "
                "--config FILE --out FOLDER` makes; the guide shows them instead of its drawn "
                "pictures. One that shows other settings than these is not used."
            ),
        }
    };
}

#undef SEKISHO_AT

}  // namespace sekisho::config
