#include "smtp/command.h"

#include "base/bytes.h"
#include "base/time.h"
#include "smtp/address.h"
#include "smtp/reply.h"
#include "smtp/xclient.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace sekisho::smtp {
namespace {

struct VerbName {
    std::string_view text;
    Verb verb;
};
constexpr std::array<VerbName, 15> kVerbs{{
    {"HELO", Verb::Helo},
    {"EHLO", Verb::Ehlo},
    {"MAIL", Verb::Mail},
    {"RCPT", Verb::Rcpt},
    {"DATA", Verb::Data},
    {"BDAT", Verb::Bdat},
    {"RSET", Verb::Rset},
    {"NOOP", Verb::Noop},
    {"QUIT", Verb::Quit},
    {"VRFY", Verb::Vrfy},
    {"EXPN", Verb::Expn},
    {"HELP", Verb::Help},
    {"STARTTLS", Verb::StartTls},
    {"AUTH", Verb::Auth},
    {"XCLIENT", Verb::XClient},
}};

using Refusal = std::optional<Reply>;  // none: fine

bool digit(char c) {
    return c >= '0' && c <= '9';
}

bool alnum(char c) {
    return digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool ascii_text(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x80;
    });
}

Reply syntax(std::string text) {
    return reply(501, "5.5.4", std::move(text));
}

template <class T>
std::optional<T> decimal(std::string_view text, std::size_t digits_max) {
    T value = 0;
    if (text.empty() || text.size() > digits_max || !std::all_of(text.begin(), text.end(), digit)) {
        return std::nullopt;
    }
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc{}) {
        return std::nullopt;
    }
    return value;
}

struct Parameter {
    std::string keyword;  // upper case
    std::optional<std::string_view> value;
};

// esmtp-param (RFC 5321 §4.1.2), with UTF-8 in values (RFC 6531 §3.3).
std::optional<Parameter> parse_parameter(std::string_view word) {
    const std::size_t equals = word.find('=');
    const std::string_view keyword = word.substr(0, equals);
    if (keyword.empty() || !alnum(keyword[0]) ||
        !std::all_of(keyword.begin(), keyword.end(), [](char c) { return alnum(c) || c == '-'; })) {
        return std::nullopt;
    }
    Parameter out{to_upper(keyword), std::nullopt};
    if (equals == std::string_view::npos) {
        return out;
    }
    const std::string_view value = word.substr(equals + 1);
    // ORCPT and ENVID may have '=' only as xtext's "+3D" (RFC 5321: esmtp-value has none).
    if (value.empty() || value.contains('=') || !is_utf8(value) ||
        std::any_of(value.begin(), value.end(), [](char c) {
            return (c >= 0 && c <= 0x20) || c == 0x7f;
        })) {
        return std::nullopt;
    }
    out.value = value;
    return out;
}

Reply unknown_parameter(const Parameter& parameter) {
    // RFC 5321 §4.1.1.11
    return reply(
        555,
        "5.5.4",
        fmt::format("Parameter {} is not known here", printable(parameter.keyword, 40))
    );
}

// Walks over the parameters behind a path; `apply` judges one and returns what is wrong with it.
template <class Apply>
Refusal each_parameter(std::string_view text, Apply apply) {
    std::set<std::string> seen;
    for (const std::string_view word : split(text, ' ')) {
        if (word.empty()) {
            continue;
        }
        const auto parameter = parse_parameter(word);
        if (!parameter) {
            return syntax(fmt::format("Malformed parameter {}", printable(word, 40)));
        }
        if (!seen.insert(parameter->keyword).second) {
            return syntax(fmt::format("Parameter {} is given twice", parameter->keyword));
        }
        if (Refusal refusal = apply(*parameter)) {
            return refusal;
        }
    }
    return std::nullopt;
}

Refusal bad_value(const Parameter& parameter) {
    return syntax(fmt::format("Parameter {} has a value that is not allowed", parameter.keyword));
}

Refusal apply_auth(const Parameter& parameter, MailParameters& mail) {
    if (!parameter.value) {
        return bad_value(parameter);
    }
    // RFC 4954 §5: "<>" or an xtext-encoded mailbox, at most 500 octets.
    const auto decoded = decode_xtext(*parameter.value);
    if (!decoded || parameter.value->size() > 500 ||
        (*decoded != "<>" && !parse_address(*decoded, {.utf8 = true}))) {
        return bad_value(parameter);
    }
    mail.auth = *decoded;
    return std::nullopt;
}

// RFC 4865 §3, with erratum 2040: a date and time as RFC 3339 has it.
Refusal apply_hold(const Parameter& parameter, MailParameters& mail) {
    constexpr std::size_t kDigits = 9;
    const std::string_view value = parameter.value.value_or(std::string_view{});
    if (mail.hold_for || mail.hold_until) {
        return syntax("HOLDFOR and HOLDUNTIL can't both be given");
    }
    if (parameter.keyword == "HOLDFOR") {
        if (const auto seconds = decimal<std::uint32_t>(value, kDigits)) {
            mail.hold_for = std::chrono::seconds{*seconds};
        }
    } else if (value.find('T') != std::string_view::npos) {
        mail.hold_until = parse_rfc3339(value);
    }
    return mail.hold_for || mail.hold_until ? std::nullopt : bad_value(parameter);
}

// RFC 6152 §2, RFC 3030 §3.
Refusal apply_body(const Parameter& parameter, const CommandRules& rules, MailParameters& mail) {
    const std::string_view value = parameter.value.value_or(std::string_view{});
    if (iequals(value, "7BIT")) {
        mail.body = Body::SevenBit;
    } else if (iequals(value, "8BITMIME")) {
        mail.body = Body::EightBit;
    } else if (iequals(value, "BINARYMIME") && rules.binarymime) {
        mail.body = Body::Binary;
    } else {
        return bad_value(parameter);
    }
    return std::nullopt;
}

// RFC 2852 §4: [-|+]1*9DIGIT ";" (N|R) [T]. A time that has passed can't be kept, so only N has it.
std::optional<DeliverBy> parse_deliver_by(std::string_view value) {
    constexpr std::size_t kDigits = 9;
    const std::size_t semicolon = value.find(';');
    if (semicolon == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view time = value.substr(0, semicolon);
    const std::string mode = to_upper(value.substr(semicolon + 1));
    const bool negative = time.starts_with('-');
    if (negative || time.starts_with('+')) {
        time.remove_prefix(1);
    }
    const auto seconds = decimal<std::int64_t>(time, kDigits);
    const bool known = mode == "N" || mode == "NT" || mode == "R" || mode == "RT";
    if (!seconds || !known) {
        return std::nullopt;
    }
    DeliverBy out;
    out.time = std::chrono::seconds{negative ? -*seconds : *seconds};
    out.notify = mode[0] == 'N';
    out.trace = mode.ends_with('T');
    return out.notify || out.time.count() > 0 ? std::optional(out) : std::nullopt;
}

// RFC 6710 §10.1: -9 to 9, no leading zero, no plus.
std::optional<int> parse_priority(std::string_view value) {
    const bool negative = value.starts_with('-');
    const std::string_view number = value.substr(negative ? 1 : 0);
    if (number.size() != 1 || !digit(number[0]) || (negative && number[0] == '0')) {
        return std::nullopt;
    }
    return negative ? '0' - number[0] : number[0] - '0';
}

Refusal apply_mail(const Parameter& parameter, const CommandRules& rules, MailParameters& mail) {
    const std::string& key = parameter.keyword;
    const std::string_view value = parameter.value.value_or(std::string_view{});
    if (key == "SIZE" && rules.size) {
        mail.size = decimal<std::uint64_t>(value, 20);
        return mail.size ? std::nullopt : bad_value(parameter);
    }
    if (key == "BODY" && rules.eightbit) {
        return apply_body(parameter, rules, mail);
    }
    if (key == "SMTPUTF8" && rules.smtputf8) {
        mail.smtputf8 = true;
        return parameter.value ? bad_value(parameter) : std::nullopt;
    }
    if (key == "AUTH" && rules.auth) {
        return apply_auth(parameter, mail);
    }
    if ((key == "HOLDFOR" || key == "HOLDUNTIL") && rules.future_release) {
        return apply_hold(parameter, mail);
    }
    if (key == "BY" && rules.deliver_by) {
        mail.deliver_by = parse_deliver_by(value);
        return mail.deliver_by ? std::nullopt : bad_value(parameter);
    }
    if (key == "MT-PRIORITY" && rules.priority) {
        mail.priority = parse_priority(value);
        return mail.priority ? std::nullopt : bad_value(parameter);
    }
    if (key == "REQUIRETLS" && rules.require_tls) {
        mail.require_tls = true;
        return parameter.value ? bad_value(parameter) : std::nullopt;
    }
    if (key == "RET" && rules.dsn) {
        mail.ret = to_upper(value);
        return mail.ret == "FULL" || mail.ret == "HDRS" ? std::nullopt : bad_value(parameter);
    }
    if (key == "ENVID" && rules.dsn) {
        // RFC 3461 §4.4: printable, at most 100 characters.
        mail.envid = value;
        const bool good = !value.empty() && value.size() <= 100 && decode_xtext(value);
        return good ? std::nullopt : bad_value(parameter);
    }
    return unknown_parameter(parameter);
}

bool good_notify(std::string_view value) {
    if (value == "NEVER") {
        return true;
    }
    std::set<std::string_view> seen;
    for (const std::string_view word : split(value, ',')) {
        const bool known = word == "SUCCESS" || word == "FAILURE" || word == "DELAY";
        if (!known || !seen.insert(word).second) {
            return false;
        }
    }
    return true;
}

bool good_orcpt(std::string_view value) {
    const std::size_t semicolon = value.find(';');
    if (semicolon == 0 || semicolon == std::string_view::npos || value.size() > 500) {
        return false;
    }
    const std::string_view type = value.substr(0, semicolon);
    const std::string_view address = value.substr(semicolon + 1);
    if (!std::all_of(type.begin(), type.end(), [](char c) { return alnum(c) || c == '-'; })) {
        return false;
    }
    // RFC 6533 §3: with the type utf-8 the address may be UTF-8 itself.
    return iequals(type, "utf-8") ? !address.empty() : !address.empty() && decode_xtext(address);
}

Refusal apply_rcpt(const Parameter& parameter, const CommandRules& rules, RcptParameters& rcpt) {
    const std::string_view value = parameter.value.value_or(std::string_view{});
    if (parameter.keyword == "NOTIFY" && rules.dsn) {
        rcpt.notify = to_upper(value);
        return good_notify(rcpt.notify) ? std::nullopt : bad_value(parameter);
    }
    if (parameter.keyword == "ORCPT" && rules.dsn) {
        rcpt.orcpt = value;
        return good_orcpt(value) ? std::nullopt : bad_value(parameter);
    }
    return unknown_parameter(parameter);
}

// "FROM:" or "TO:" and the path; `rest` is left at the parameters.
std::expected<Path, Reply> path_after(
    std::string_view& rest, std::string_view word, PathKind kind, const AddressRules& rules
) {
    if (!iequals(rest.substr(0, word.size()), word)) {
        return std::unexpected(syntax(fmt::format("Say {}<address>", word)));
    }
    rest.remove_prefix(word.size());
    // Spaces behind the colon are wrong (RFC 5321 §3.3), and common: PHP and Java libraries do it.
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    auto path = parse_path(rest, kind, rules);
    const char* enhanced = kind == PathKind::Reverse ? "5.1.7" : "5.1.3";
    if (!path) {
        return std::unexpected(
            reply(501, enhanced, fmt::format("Bad address: {}", path.error().message))
        );
    }
    rest.remove_prefix(path->length);
    if (!rest.empty() && rest[0] != ' ') {
        return std::unexpected(reply(501, enhanced, "Bad address: a space must stand behind it"));
    }
    return std::move(*path);
}

Reply needs_smtputf8(const char* enhanced) {
    // RFC 6531 §3.5
    return reply(553, enhanced, "A non-ASCII address needs the SMTPUTF8 parameter of MAIL");
}

Refusal parse_mail(std::string_view rest, const CommandRules& rules, Command& command) {
    const AddressRules address{.utf8 = rules.smtputf8, .local_max = rules.sender_local_max};
    auto path = path_after(rest, "FROM:", PathKind::Reverse, address);
    if (!path) {
        return path.error();
    }
    command.address = std::move(path->address);
    if (Refusal refusal = each_parameter(rest, [&](const Parameter& parameter) {
            return apply_mail(parameter, rules, command.mail);
        })) {
        return refusal;
    }
    if (!command.mail.smtputf8 && command.address && !command.address->ascii()) {
        return needs_smtputf8("5.6.7");
    }
    return std::nullopt;
}

Refusal parse_rcpt(std::string_view rest, const CommandRules& rules, Command& command) {
    auto path = path_after(rest, "TO:", PathKind::Forward, {.utf8 = rules.smtputf8});
    if (!path) {
        return path.error();
    }
    command.address = std::move(path->address);
    if (command.address && !command.address->ascii() && !rules.utf8_transaction) {
        return needs_smtputf8("5.6.7");
    }
    return each_parameter(rest, [&](const Parameter& parameter) {
        return apply_rcpt(parameter, rules, command.rcpt);
    });
}

// HELO and EHLO: one word. RFC 5321 §4.1.4 forbids to refuse for what the name says, and mail
// programs put anything there; what can't be a word is refused.
Refusal parse_hello(std::string_view rest, Command& command) {
    const std::string_view word = trim(rest);
    if (word.empty() || word.size() > kDomainMax || word.contains(' ') || !is_utf8(word)) {
        return syntax("Give your host name after the command");
    }
    command.argument = word;
    return std::nullopt;
}

Refusal parse_bdat(std::string_view rest, Command& command) {
    // RFC 3030 §2: BDAT chunk-size [SP "LAST"]
    const std::string_view argument = trim(rest);
    const std::size_t space = argument.find(' ');
    const auto size = decimal<std::uint64_t>(argument.substr(0, space), 20);
    if (!size) {
        return syntax("Say BDAT size [LAST]");
    }
    command.chunk_size = *size;
    if (space != std::string_view::npos) {
        if (!iequals(trim(argument.substr(space)), "LAST")) {
            return syntax("Say BDAT size [LAST]");
        }
        command.chunk_last = true;
    }
    return std::nullopt;
}

Refusal parse_auth(std::string_view rest, Command& command) {
    const std::string_view argument = trim(rest);
    const std::size_t space = argument.find(' ');
    const std::string_view mechanism = argument.substr(0, space);
    // RFC 4422 §3.1: 1 to 20 characters.
    if (mechanism.empty() || mechanism.size() > 20 ||
        !std::all_of(mechanism.begin(), mechanism.end(), [](char c) {
            return alnum(c) || c == '-' || c == '_';
        })) {
        return syntax("Say AUTH mechanism [initial-response]");
    }
    command.mechanism = to_upper(mechanism);
    if (space != std::string_view::npos) {
        const std::string_view initial = argument.substr(space + 1);
        if (initial.contains(' ')) {
            return syntax("Say AUTH mechanism [initial-response]");
        }
        command.initial = initial;
    }
    return std::nullopt;
}

Refusal parse_arguments(std::string_view rest, const CommandRules& rules, Command& command) {
    switch (command.verb) {
        case Verb::Mail:
            return parse_mail(rest, rules, command);
        case Verb::Rcpt:
            return parse_rcpt(rest, rules, command);
        case Verb::Helo:
        case Verb::Ehlo:
            return parse_hello(rest, command);
        case Verb::Bdat:
            return parse_bdat(rest, command);
        case Verb::Auth:
            return parse_auth(rest, command);
        case Verb::XClient: {
            auto told = parse_xclient(rest);
            if (!told) {
                return std::move(told.error());
            }
            command.xclient = *told;
            return std::nullopt;
        }
        case Verb::Vrfy:
        case Verb::Expn:
            command.argument = trim(rest);
            return command.argument.empty() ? Refusal(syntax("Name a mailbox")) : std::nullopt;
        case Verb::Noop:
        case Verb::Help:
            command.argument = trim(rest);
            return std::nullopt;
        case Verb::Data:
        case Verb::Rset:
        case Verb::Quit:
        case Verb::StartTls:
            // RFC 5321 §4.3.2, RFC 3207 §4: no parameters.
            return trim(rest).empty() ? std::nullopt
                                      : Refusal(syntax("This command takes no parameters"));
    }
    return std::nullopt;
}

std::size_t line_max(Verb verb) {
    switch (verb) {
        case Verb::Mail:
        case Verb::Rcpt:
            return kMailRcptLineMax;
        case Verb::Auth:
            return kAuthLineMax;
        default:
            return kCommandLineMax;
    }
}

}  // namespace

std::string_view name(Verb verb) {
    const auto* const at = std::find_if(
        kVerbs.begin(), kVerbs.end(), [verb](const VerbName& known) { return known.verb == verb; }
    );
    return at == kVerbs.end() ? std::string_view("?") : at->text;
}

std::expected<Command, Reply> parse_command(std::string_view line, const CommandRules& rules) {
    // Trailing white space is tolerated (RFC 5321 §4.1.1).
    const std::size_t last = line.find_last_not_of(" \t");
    const std::string_view text = line.substr(0, last == std::string_view::npos ? 0 : last + 1);
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    const auto* const verb =
        std::find_if(kVerbs.begin(), kVerbs.end(), [word](const VerbName& known) {
            return iequals(known.text, word);
        });
    if (verb == kVerbs.end() || (verb->verb == Verb::XClient && !rules.xclient)) {
        return std::unexpected(reply(500, "5.5.1", "Command not recognised"));
    }
    if (line.size() + 2 > line_max(verb->verb)) {
        return std::unexpected(reply(500, "5.5.2", "Line too long"));
    }
    const std::string_view rest =
        space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
    if (!ascii_text(rest) && (!rules.smtputf8 || !is_utf8(rest))) {
        return std::unexpected(reply(500, "5.5.2", "The line has octets that are not allowed"));
    }
    if (std::any_of(rest.begin(), rest.end(), [](char c) {
            return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
        })) {
        return std::unexpected(reply(500, "5.5.2", "The line has control characters"));
    }
    Command command;
    command.verb = verb->verb;
    if (Refusal refusal = parse_arguments(rest, rules, command)) {
        return std::unexpected(std::move(*refusal));
    }
    return command;
}

std::optional<std::string> decode_xtext(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c < 0x21 || c > 0x7e || c == '=') {
            return std::nullopt;
        }
        if (c != '+') {
            out.push_back(c);
            continue;
        }
        // Hexadecimal digits in upper case (RFC 3461 §4); lower case is read too.
        const auto octet = unhex(text.substr(i + 1, 2));
        if (!octet || octet->size() != 1) {
            return std::nullopt;
        }
        out += *octet;
        i += 2;
    }
    return out;
}

std::string encode_xtext(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c > 0x20 && c < 0x7f && c != '+' && c != '=') {
            out.push_back(c);
        } else {
            out += "+" + to_upper(hex(std::string_view(&c, 1)));
        }
    }
    return out;
}

}  // namespace sekisho::smtp
