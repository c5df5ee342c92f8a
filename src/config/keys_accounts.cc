// The keys of logins that are not kept here: bearer tokens, certificates.
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using namespace std::chrono_literals;
using C = Config;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

}  // namespace

std::vector<Key<Config>> client_certificate_keys() {
    return {
        text<C>(
            "client_ca",
            SEKISHO_AT(tls.client_ca),
            "PEM file of the authorities whose certificates log in on submission (SASL EXTERNAL), "
            "as the mail address in them. Empty: nobody is asked for one."
        ),
        texts<C>(
            "client_logins",
            SEKISHO_AT(tls.client_logins),
            "Certificates that log in as somebody else than their own mail addresses: "
            "`SHA256=LOGIN`, with the fingerprint in hexadecimal digits."
        ),
    };
}

Table<Config> oauth_table() {
    return {
        "oauth",
        false,
        "Logins with bearer tokens (OAUTHBEARER, RFC 7628, and XOAUTH2) for accounts that are "
        "here.",
        {
            at_start(text<C>(
                "keys",
                SEKISHO_AT(oauth.keys),
                "The issuer's JSON Web Key Set, a file or an `https` URL. Read each hour, and when "
                "a token names a key that isn't in it. RS256, ES256 and EdDSA."
            )),
            at_start(text<C>(
                "introspection",
                SEKISHO_AT(oauth.introspection),
                "Instead of keys: the URL that says what a token is (RFC 7662)."
            )),
            at_start(text<C>(
                "client_id", SEKISHO_AT(oauth.client_id), "Who we are to the introspection."
            )),
            at_start(text<C>("client_secret", SEKISHO_AT(oauth.client_secret), "And its password.")
            ),
            at_start(text<C>(
                "issuer", SEKISHO_AT(oauth.issuer), "The `iss` that tokens must have, exactly."
            )),
            at_start(texts<C>(
                "audiences",
                SEKISHO_AT(oauth.audiences),
                "The `aud` of tokens that are for us: one of these."
            )),
            at_start(text<C>(
                "scope", SEKISHO_AT(oauth.scope), "The scope that a token must have. Empty: any."
            )),
            at_start(text<C>(
                "claim", SEKISHO_AT(oauth.claim), "The claim whose value is the account's login."
            )),
            at_start(duration<C>(
                "skew", SEKISHO_AT(oauth.skew), 0s, 10min, "How much the issuer's clock may differ."
            )),
            at_start(text<C>(
                "ca",
                SEKISHO_AT(oauth.ca),
                "PEM file of the authorities for the URLs. Empty: the system's."
            )),
            at_start(text<C>(
                "openid_configuration",
                SEKISHO_AT(oauth.openid_configuration),
                "Told to clients whose token is refused: where they learn how to get one."
            )),
        }
    };
}

Table<Config> forwarding_table() {
    return {
        "forwarding",
        false,
        "Mail that goes on to other providers, by an alias or an account's forward (`sekisho "
        "alias`, "
        "`sekisho account forward`).",
        {
            text<C>(
                "srs_domain",
                SEKISHO_AT(forwarding.srs_domain),
                "Of the senders that it goes on under (SRS), so that SPF passes and bounces come "
                "back: one of `mail.domains`. Empty: the first of them."
            ),
            texts<C>(
                "srs_secrets",
                SEKISHO_AT(forwarding.srs_secrets),
                "What proves that such a sender was made here. The first signs, all are believed, "
                "so a new one is put in front and an old one taken out after three weeks. Empty: "
                "one that the installation makes for itself (and believes in any case). Several "
                "servers need the same. Secrets of postsrsd fit."
            ),
            flag<C>(
                "arc_seal",
                SEKISHO_AT(forwarding.arc_seal),
                "Whether it is sealed (ARC, RFC 8617) with what was found when it came in, by the "
                "RSA key of `srs_domain`."
            ),
        }
    };
}

const Table<AccountSource>& account_source_table() {
    using T = AccountSource;
    static const Table<T> table{
        "account_source",
        true,
        "Accounts that live elsewhere: who has none here may log in on submission with what "
        "another system knows. Sources are asked in the order of the file; the first that knows "
        "the login decides. One that is away is answered 454, never 535. Only the password itself "
        "can be handed on, so `mail.scram` says whether SCRAM is offered as well.",
        {
            required(text<T>("name", SEKISHO_AT(name), "Unique name, for logs.")),
            required(choice<T>(
                "kind",
                SEKISHO_AT(kind),
                {"ldap", "dovecot", "radius"},
                "`ldap`: a directory. `dovecot`: Dovecot's authentication socket `auth-client`. "
                "`radius`: a RADIUS server, by PAP. The last two don't tell an unknown login from "
                "a wrong password, so such a one comes last."
            )),
            required(text<T>(
                "server",
                SEKISHO_AT(server),
                "The URL (`ldap://`, `ldaps://`, `ldapi://`), the path, or `ADDRESS:PORT`."
            )),
            duration<T>(
                "timeout", SEKISHO_AT(timeout), 100ms, 1min, "How long each step may take."
            ),
            texts<T>(
                "addresses",
                SEKISHO_AT(addresses),
                "Addresses that a login may send as, beside those in its entry: `{login}`, "
                "`{user}@example.net`; `{user}` and `{domain}` are the login's parts. Empty: "
                "`{login}`."
            ),
            text<T>(
                "base", SEKISHO_AT(base), "For `ldap`: below which entry accounts are looked for."
            ),
            text<T>(
                "filter",
                SEKISHO_AT(filter),
                "For `ldap`: which entry is the login's, with `{login}`, `{user}`, `{domain}`. It "
                "must fit no two entries."
            ),
            text<T>(
                "bind_dn",
                SEKISHO_AT(bind_dn),
                "For `ldap`: who looks. Empty: nobody in particular."
            ),
            text<T>(
                "secret",
                SEKISHO_AT(secret),
                "For `ldap`: the password of `bind_dn`. For `radius`: the shared secret. The "
                "server must put Message-Authenticator in its answers; others are not believed."
            ),
            flag<T>("start_tls", SEKISHO_AT(start_tls), "For `ldap://`: TLS before anything else."),
            text<T>(
                "ca",
                SEKISHO_AT(ca),
                "For `ldap`: PEM file of the authorities for the server's certificate. Empty: the "
                "system's."
            ),
            text<T>(
                "address_attribute",
                SEKISHO_AT(address_attribute),
                "For `ldap`: the attribute whose values the login may send as."
            ),
            text<T>("name_attribute", SEKISHO_AT(name_attribute), "For `ldap`: the person's name."),
            choice<T>(
                "check",
                SEKISHO_AT(check),
                {"bind", "compare"},
                "For `ldap`: the password is right when its owner can bind with it, or when it "
                "compares equal to `userPassword`."
            ),
            number<T>(
                "connections", SEKISHO_AT(connections), 1, 64, "For `ldap`: connections at once."
            ),
            flag<T>(
                "recipients",
                SEKISHO_AT(recipients),
                "Mail to those whom it knows is taken, and who has no password but a token or a "
                "certificate is looked for in it: in `ldap` by `address_attribute`, in `dovecot` "
                "by `userdb`. It is asked while the client waits; what it said is remembered for "
                "five minutes, that nobody has an address for one. While it is away, mail for "
                "addresses that nothing here knows is answered 450. RADIUS can't say who is there "
                "without a password."
            ),
            text<T>(
                "userdb",
                SEKISHO_AT(userdb),
                "For `dovecot`: the path of its socket `auth-userdb`. Empty: who is there isn't "
                "asked."
            ),
        }
    };
    return table;
}

#undef SEKISHO_AT

std::vector<std::pair<std::string, std::string>> faults_of(
    const AccountSource& source, const std::vector<AccountSource>& others
) {
    std::vector<std::pair<std::string, std::string>> out;
    if (std::ranges::find(others, source.name, &AccountSource::name) != others.end()) {
        out.emplace_back("name", "\"" + source.name + "\" is there already");
    }
    if (source.name.empty() || source.server.empty()) {
        out.emplace_back("", "name and server can't be empty");
    }
    if (source.kind == "ldap" && source.base.empty()) {
        out.emplace_back("base", "is missing; kind = \"ldap\" needs it");
    }
    if (source.kind == "ldap" && !source.filter.contains('{')) {
        out.emplace_back("filter", "names no {login}, {user} or {domain} to look for");
    }
    if (!source.userdb.empty() && source.kind != "dovecot") {
        out.emplace_back("userdb", "is for kind = \"dovecot\" alone");
    } else if (!source.userdb.empty() && !source.userdb.starts_with('/')) {
        out.emplace_back("userdb", "is no path of a socket");
    }
    return out;
}

}  // namespace sekisho::config
