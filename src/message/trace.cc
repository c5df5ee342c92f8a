#include "message/trace.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/time.h"
#include "message/header.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace sekisho::message {
namespace {

constexpr std::size_t kHeloShownMax = 100;

bool is_domain(std::string_view text) {
    if (text.empty() || text.size() > 255 || text.front() == '.' || text.front() == '-') {
        return false;
    }
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '.' || c == '_';
    });
}

bool is_address_literal(std::string_view text) {
    if (text.size() < 3 || text.front() != '[' || text.back() != ']') {
        return false;
    }
    std::string_view inner = text.substr(1, text.size() - 2);
    if (inner.size() > 5 && iequals(inner.substr(0, 5), "IPv6:")) {
        inner.remove_prefix(5);
    }
    return IpAddress::parse(inner).has_value();
}

// RFC 5321 §4.1.3
std::string address_literal(const IpAddress& address) {
    return address.is_v4() ? "[" + address.text() + "]" : "[IPv6:" + address.text() + "]";
}

// Text of a peer inside a comment: printable ASCII; what would end or quote the comment is escaped.
std::string in_comment(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, kHeloShownMax)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 33 || byte > 126) {
            out += "%" + to_upper(hex(std::string(1, c)));
        } else {
            if (c == '(' || c == ')' || c == '\\') {
                out += '\\';
            }
            out += c;
        }
    }
    return out;
}

// From-domain of RFC 5321 §4.4: what the client said, then in parentheses what we know.
std::string from_clause(const Reception& reception) {
    if (reception.hide_client) {
        return "from hidden.invalid (client withheld)";  // a name that never resolves: RFC 2606 §2
    }
    const std::string literal = address_literal(reception.client);
    std::string tcp_info = literal;
    if (is_domain(reception.reverse_name)) {
        tcp_info = reception.reverse_name + " " + literal;
    }
    if (is_domain(reception.helo) || is_address_literal(reception.helo)) {
        return "from " + reception.helo + " (" + tcp_info + ")";
    }
    return "from " + literal + " (" + tcp_info + ") (greeted as \"" + in_comment(reception.helo) +
           "\")";
}

}  // namespace

std::string with_protocol(const Reception& reception) {
    std::string protocol;
    if (reception.lmtp) {
        protocol = reception.smtputf8 ? "UTF8LMTP" : "LMTP";
    } else if (reception.smtputf8) {
        protocol = "UTF8SMTP";  // RFC 6531 §4.3
    } else if (reception.extended) {
        protocol = "ESMTP";
    } else {
        return "SMTP";  // neither STARTTLS nor AUTH exist without EHLO
    }
    if (reception.tls) {
        protocol += 'S';
    }
    if (reception.authenticated) {
        protocol += 'A';
    }
    return protocol;
}

std::string received_field(const Reception& reception) {
    std::string value = from_clause(reception);
    if (reception.tls && !reception.tls_version.empty()) {
        value += " (using " + in_comment(reception.tls_version);
        if (!reception.tls_cipher.empty()) {
            value += " with cipher " + in_comment(reception.tls_cipher);
        }
        value += ")";
    }
    value += " by " + reception.by + " (Sekisho) with " + with_protocol(reception);
    if (!reception.queue_id.empty()) {
        value += " id " + reception.queue_id;
    }
    if (reception.recipients.size() == 1) {
        value += " for <" + reception.recipients.front() + ">";
    }
    if (reception.priority != 0) {
        value += " PRIORITY " + std::to_string(reception.priority);
    }
    value += "; " + rfc5322_date(reception.at);
    return make_field("Received", value);
}

std::string return_path_field(std::string_view reverse_path) {
    return make_field("Return-Path", "<" + std::string(reverse_path) + ">");
}

}  // namespace sekisho::message
