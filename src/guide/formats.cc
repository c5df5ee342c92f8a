#include "guide/formats.h"

#include "base/bytes.h"
#include "guide/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::guide {
namespace {

// One <incomingServer> or <outgoingServer>. "password-cleartext" is the name for PLAIN and LOGIN
// over TLS.
std::string server_element(
    std::string_view element,
    std::string_view type,
    std::string_view host,
    std::uint16_t port,
    bool implicit_tls
) {
    return fmt::format(
        "    <{0} type=\"{1}\">\n"
        "      <hostname>{2}</hostname>\n"
        "      <port>{3}</port>\n"
        "      <socketType>{4}</socketType>\n"
        "      <username>%EMAILADDRESS%</username>\n"
        "      <authentication>password-cleartext</authentication>\n"
        "    </{0}>\n",
        element,
        type,
        escape_xml(host),
        port,
        implicit_tls ? "SSL" : "STARTTLS"
    );
}

// SSL "on" with a STARTTLS port: Thunderbird maps it to STARTTLS, while "off" would mean plain text
// to it and to Delta Chat.
std::string protocol_element(
    std::string_view type,
    std::string_view host,
    std::uint16_t port,
    bool implicit_tls,
    std::string_view login
) {
    return fmt::format(
        "      <Protocol>\n"
        "        <Type>{}</Type>\n"
        "        <Server>{}</Server>\n"
        "        <Port>{}</Port>\n"
        "        <DomainRequired>off</DomainRequired>\n"
        "        <LoginName>{}</LoginName>\n"
        "        <SPA>off</SPA>\n"
        "        <SSL>on</SSL>\n"
        "        <Encryption>{}</Encryption>\n"
        "        <AuthRequired>on</AuthRequired>\n"
        "      </Protocol>\n",
        type,
        escape_xml(host),
        port,
        escape_xml(login),
        implicit_tls ? "SSL" : "TLS"
    );
}

std::string stable_uuid(std::string_view purpose, std::string_view address) {
    // A name-based identifier; RFC 9562 §5.8 leaves the hash of version 8 to us.
    std::string bytes = sha256(std::string(purpose) + '\n' + std::string(address)).substr(0, 16);
    bytes[6] = static_cast<char>((static_cast<unsigned char>(bytes[6]) & 0x0FU) | 0x80U);
    bytes[8] = static_cast<char>((static_cast<unsigned char>(bytes[8]) & 0x3FU) | 0x80U);
    const std::string digits = to_upper(hex(bytes));
    return fmt::format(
        "{}-{}-{}-{}-{}",
        digits.substr(0, 8),
        digits.substr(8, 4),
        digits.substr(12, 4),
        digits.substr(16, 4),
        digits.substr(20)
    );
}

std::string plist_string(std::string_view key, std::string_view value) {
    return fmt::format("<key>{}</key><string>{}</string>\n", key, escape_xml(value));
}

std::string plist_number(std::string_view key, std::uint16_t value) {
    return fmt::format("<key>{}</key><integer>{}</integer>\n", key, value);
}

std::string plist_flag(std::string_view key, bool value) {
    return fmt::format("<key>{}</key><{}/>\n", key, value ? "true" : "false");
}

constexpr std::string_view kXmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

}  // namespace

std::optional<Incoming> incoming_of(const config::Settings& settings) {
    if (settings.incoming_type != "imap" && settings.incoming_type != "pop3") {
        return std::nullopt;
    }
    const bool starttls = settings.incoming_port == 143 || settings.incoming_port == 110;
    return Incoming{.pop = settings.incoming_type == "pop3", .implicit_tls = !starttls};
}

bool is_own_domain(const config::Config& config, std::string_view domain) {
    return iequals(domain, config.provider.domain) ||
           std::ranges::any_of(config.mail.domains, [&](const std::string& own) {
               return iequals(own, domain);
           });
}

std::string autoconfig_xml(const config::Config& config, std::string_view domain) {
    const auto& settings = config.settings;
    std::string out = fmt::format(
        "{}<clientConfig version=\"1.1\">\n  <emailProvider id=\"{}\">\n    <domain>{}</domain>\n"
        "    <displayName>{}</displayName>\n    <displayShortName>{}</displayShortName>\n",
        kXmlHead,
        escape_xml(domain),
        escape_xml(domain),
        escape_xml(config.provider.name),
        escape_xml(config.provider.name)
    );
    if (const auto incoming = incoming_of(settings)) {
        out += server_element(
            "incomingServer",
            incoming->pop ? "pop3" : "imap",
            settings.incoming_host,
            settings.incoming_port,
            incoming->implicit_tls
        );
    }
    // Most clients take the first, FairEmail the last: each must work. RFC 8314 §3.3: implicit TLS
    // first.
    if (settings.submissions_port != 0) {
        out += server_element(
            "outgoingServer", "smtp", settings.outgoing_host, settings.submissions_port, true
        );
    }
    if (settings.submission_port != 0) {
        out += server_element(
            "outgoingServer", "smtp", settings.outgoing_host, settings.submission_port, false
        );
    }
    for (const Language language : {Language::Ja, Language::En}) {
        out += fmt::format(
            "    <documentation url=\"{0}/{1}/settings\">\n      <descr lang=\"{1}\">{2}</descr>\n"
            "    </documentation>\n",
            escape_xml(config.provider.guide_url),
            code(language),
            escape_xml(find_text(language, "settings.title").value_or(""))
        );
    }
    return out + "  </emailProvider>\n</clientConfig>\n";
}

std::string autodiscover_xml(const config::Config& config, const MailAddress& address) {
    const auto& settings = config.settings;
    const std::string login = address.text();
    // One Account with several Protocols: Outlook reads no second Account.
    std::string out = fmt::format(
        "{}<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/"
        "responseschema/2006\">\n"
        "  <Response xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/"
        "responseschema/2006a\">\n"
        "    <User><DisplayName>{}</DisplayName></User>\n"
        "    <Account>\n      <AccountType>email</AccountType>\n      <Action>settings</Action>\n",
        kXmlHead,
        escape_xml(login)
    );
    if (const auto incoming = incoming_of(settings)) {
        out += protocol_element(
            incoming->pop ? "POP3" : "IMAP",
            settings.incoming_host,
            settings.incoming_port,
            incoming->implicit_tls,
            login
        );
    }
    if (settings.submissions_port != 0) {
        out += protocol_element(
            "SMTP", settings.outgoing_host, settings.submissions_port, true, login
        );
    } else if (settings.submission_port != 0) {
        out += protocol_element(
            "SMTP", settings.outgoing_host, settings.submission_port, false, login
        );
    }
    return out + "    </Account>\n  </Response>\n</Autodiscover>\n";
}

std::string autodiscover_error_xml(int code, std::string_view message) {
    return fmt::format(
        "{}<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/"
        "responseschema/2006\">\n  <Response>\n    <Error>\n      <ErrorCode>{}</ErrorCode>\n"
        "      <Message>{}</Message>\n      <DebugData/>\n    </Error>\n  </Response>\n"
        "</Autodiscover>\n",
        kXmlHead,
        code,
        escape_xml(message)
    );
}

std::optional<MailAddress> parse_autodiscover_request(std::string_view body) {
    static constexpr std::size_t kBodyMax = 8192;
    static constexpr std::string_view kElement = "emailaddress";
    if (body.size() > kBodyMax) {
        return std::nullopt;
    }
    const std::string lower = to_lower(body);
    for (std::size_t at = lower.find(kElement); at != std::string::npos;
         at = lower.find(kElement, at + 1)) {
        // "<EMailAddress>" or "<a:EMailAddress xmlns=...>"; a closing tag has '/' before the name.
        const std::size_t open = lower.rfind('<', at);
        const std::size_t name_end = at + kElement.size();
        if (open == std::string::npos || name_end >= lower.size() ||
            lower.find_first_of(" />", open + 1) < at) {
            continue;
        }
        const bool whole_name = std::string_view{" \t\r\n>"}.contains(lower[name_end]);
        const bool prefixed = at == open + 1 || lower[at - 1] == ':';
        const std::size_t start = lower.find('>', name_end);
        const std::size_t end = lower.find('<', name_end);
        if (!whole_name || !prefixed || start == std::string::npos || end == std::string::npos ||
            end < start) {
            continue;
        }
        std::string text{body.substr(start + 1, end - start - 1)};
        // The only entities an address can need: '&' and the apostrophe are atext.
        for (const auto& [entity, character] :
             {std::pair{"&apos;", '\''}, std::pair{"&#39;", '\''}, std::pair{"&amp;", '&'}}) {
            for (auto found = text.find(entity); found != std::string::npos;
                 found = text.find(entity, found + 1)) {
                text.replace(found, std::string_view{entity}.size(), 1, character);
            }
        }
        return parse_mail_address(text);
    }
    return std::nullopt;
}

std::optional<std::string> pacc_json(const config::Config& config) {
    constexpr std::uint16_t kSubmissions = 465;
    constexpr std::uint16_t kImaps = 993;
    constexpr std::uint16_t kPop3s = 995;
    const config::Settings& settings = config.settings;
    if (settings.submissions_port != kSubmissions) {
        return std::nullopt;
    }
    nlohmann::json protocols{{"submit", {{"host", settings.outgoing_host}}}};
    const auto incoming = incoming_of(settings);
    if (incoming && settings.incoming_port == (incoming->pop ? kPop3s : kImaps)) {
        protocols[incoming->pop ? "pop3" : "imap"] = {{"host", settings.incoming_host}};
    }
    const nlohmann::json document{
        {"authentication", {{"password", true}}},
        {"info",
         {{"help", {{"documentation", config.provider.guide_url + "/"}}},
          {"provider", {{"name", config.provider.name}, {"shortName", config.provider.name}}}}},
        {"protocols", std::move(protocols)}
    };
    return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<std::string> mta_sts_policy(const config::Config& config) {
    constexpr int kWeek = 7 * 24 * 3600;
    const config::Mail& mail = config.mail;
    if (mail.mta_sts == "off") {
        return std::nullopt;
    }
    // Testing is over in a day when it is taken back.
    const int max_age = mail.mta_sts == "enforce" ? kWeek : kWeek / 7;
    return fmt::format(
        "version: STSv1\r\nmode: {}\r\nmx: {}\r\nmax_age: {}\r\n",
        mail.mta_sts,
        mail.hostname,
        max_age
    );
}

std::string apple_profile(
    const config::Config& config, const MailAddress& address, Language language
) {
    const auto& settings = config.settings;
    const auto incoming = incoming_of(settings).value_or(Incoming{});
    const std::string mail = address.text();
    const bool implicit = settings.submissions_port != 0;
    const auto& provider = config.provider;
    const std::string& name =
        language == Language::Ja && !provider.name_ja.empty() ? provider.name_ja : provider.name;

    std::string payload;
    payload += plist_string("PayloadType", "com.apple.mail.managed");
    payload += "<key>PayloadVersion</key><integer>1</integer>\n";
    payload += plist_string("PayloadIdentifier", "mail." + config.provider.domain + "." + mail);
    payload += plist_string("PayloadUUID", stable_uuid("apple-mail", mail));
    payload += plist_string("PayloadDisplayName", name);
    payload += plist_string("EmailAccountDescription", name);
    payload += plist_string("EmailAccountType", incoming.pop ? "EmailTypePOP" : "EmailTypeIMAP");
    payload += plist_string("EmailAddress", mail);
    payload += plist_string("IncomingMailServerAuthentication", "EmailAuthPassword");
    payload += plist_string("IncomingMailServerHostName", settings.incoming_host);
    payload += plist_number("IncomingMailServerPortNumber", settings.incoming_port);
    payload += plist_flag("IncomingMailServerUseSSL", true);
    payload += plist_string("IncomingMailServerUsername", mail);
    payload += plist_string("OutgoingMailServerAuthentication", "EmailAuthPassword");
    payload += plist_string("OutgoingMailServerHostName", settings.outgoing_host);
    // Without a port Apple Mail tries 25 first.
    payload += plist_number(
        "OutgoingMailServerPortNumber",
        implicit ? settings.submissions_port : settings.submission_port
    );
    payload += plist_flag("OutgoingMailServerUseSSL", true);
    payload += plist_string("OutgoingMailServerUsername", mail);
    payload += plist_flag("OutgoingPasswordSameAsIncomingPassword", true);

    std::string profile;
    profile += plist_string("PayloadType", "Configuration");
    profile += "<key>PayloadVersion</key><integer>1</integer>\n";
    profile += plist_string("PayloadIdentifier", config.provider.domain + "." + mail);
    profile += plist_string("PayloadUUID", stable_uuid("apple-profile", mail));
    profile += plist_string("PayloadDisplayName", name + " " + mail);
    profile += plist_string("PayloadOrganization", name);
    profile += plist_flag("PayloadRemovalDisallowed", false);
    return fmt::format(
        "{}<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
        "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
        "<plist version=\"1.0\">\n<dict>\n{}<key>PayloadContent</key>\n<array>\n<dict>\n{}</dict>\n"
        "</array>\n</dict>\n</plist>\n",
        kXmlHead,
        profile,
        payload
    );
}

}  // namespace sekisho::guide
