// What mail programs read: one settings model, rendered as Mozilla autoconfig, Autodiscover and an
// Apple profile. Nothing here tells whether a mailbox exists; nothing offers a server without TLS.
#pragma once

#include "config/config.h"
#include "guide/address.h"
#include "guide/catalogue.h"

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::guide {

struct Incoming {
    bool pop = false;
    bool implicit_tls = true;  // else STARTTLS
};
// nullopt: the operator offers no mailboxes (incoming_type "none").
[[nodiscard]] std::optional<Incoming> incoming_of(const config::Settings& settings);
// Whether mail of the domain (lower case) is the operator's.
[[nodiscard]] bool is_own_domain(const config::Config& config, std::string_view domain);

// draft-ietf-mailmaint-autoconfig; the names clients ask for are /mail/config-v1.1.xml and
// /.well-known/autoconfig/mail/config-v1.1.xml. The user name is a placeholder that the client
// fills in.
[[nodiscard]] std::string autoconfig_xml(const config::Config& config, std::string_view domain);

// Autodiscover "POX" for IMAP and SMTP. `address` is repeated as the login name.
[[nodiscard]] std::string autodiscover_xml(
    const config::Config& config, const MailAddress& address
);
[[nodiscard]] std::string autodiscover_error_xml(int code, std::string_view message);
// The EMailAddress element of a request; any name space prefix, any letter case.
[[nodiscard]] std::optional<MailAddress> parse_autodiscover_request(std::string_view body);

// draft-ietf-mailmaint-pacc (as of -03: the submission server is called "submit"): the same bytes
// for everybody, for a record in the DNS has their digest. Clients take implicit TLS at the usual
// ports; nullopt: there is no such submission server.
[[nodiscard]] std::optional<std::string> pacc_json(const config::Config& config);

// RFC 8461 §3.2: what other servers must find when they deliver here; nullopt: mail.mta_sts is off.
[[nodiscard]] std::optional<std::string> mta_sts_policy(const config::Config& config);

// com.apple.mail.managed, unsigned, without passwords. Needs an incoming server. The identifiers
// follow from the address, so that installing it again replaces the old one.
[[nodiscard]] std::string apple_profile(
    const config::Config& config, const MailAddress& address, Language language
);

}  // namespace sekisho::guide
