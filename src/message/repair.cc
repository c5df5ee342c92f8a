#include "message/repair.h"

#include "base/bytes.h"
#include "base/time.h"
#include "message/address.h"
#include "message/encode.h"
#include "message/field_words.h"
#include "message/header.h"
#include "message/mend.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::message {
namespace {

constexpr std::size_t kMessageIdMax = 900;  // one line (RFC 5322 §2.1.1) and the field's name

// The first <...> of the value, without white space or comments around it. Lenient about what is
// inside: an id is looked up, not taken apart.
std::string read_message_id(std::string_view value) {
    const std::size_t open = value.find('<');
    if (open == std::string_view::npos) {
        return {};
    }
    const std::size_t close = value.find('>', open);
    if (close == std::string_view::npos || close == open + 1 || close - open > kMessageIdMax) {
        return {};
    }
    const std::string_view id = value.substr(open, close + 1 - open);
    for (const char c : id) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 32 || byte == 127) {
            return {};
        }
    }
    return std::string(id);
}

// Resent-Bcc likewise: RFC 5322 §3.6.6.
bool is_bcc(std::string_view field_name) {
    return iequals(field_name, "Bcc") || iequals(field_name, "Resent-Bcc");
}

// RFC 5322 §3.4: a name and an address. Encoded words stay what they are.
std::string named(std::string_view display, const std::string& address) {
    if (display.empty()) {
        return address;
    }
    std::string name;
    if (display.find("=?") != std::string_view::npos) {
        name = display;
    } else if (std::ranges::any_of(display, [](char c) { return (c & 0x80) != 0; })) {
        name = encode_words(display);
    } else {
        name = "\"";
        for (const char c : display) {
            name += c == '"' || c == '\\' ? "\\" : "";
            name += c;
        }
        name += "\"";
    }
    return name + " <" + address + ">";
}

// Sender goes, too: it named who sent for the old From.
void rewrite_from(const Header& header, const std::string& address, Repaired& repaired) {
    const auto& fields = header.fields();
    std::string display, old;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const bool from = iequals(fields[i].name, "From");
        if (!from && !iequals(fields[i].name, "Sender")) {
            continue;
        }
        repaired.removed.push_back(i);
        if (!from || !old.empty()) {
            continue;
        }
        const AddressList list = parse_address_list(fields[i].value());
        for (const Mailbox& mailbox : list.mailboxes) {
            // "root@localhost" is nowhere that an answer could reach.
            if (mailbox.domain.find('.') != std::string::npos) {
                old += (old.empty() ? "" : ", ") + mailbox.address();
            }
        }
        display = list.mailboxes.size() == 1 ? list.mailboxes.front().display_name : "";
    }
    repaired.added += make_field("From", named(display, address));
    if (!old.empty() && header.find("Reply-To") == nullptr) {
        repaired.added += make_field("Reply-To", old);
    }
}

// Date and Message-ID are for programs: one that none can read is as good as none.
bool unreadable(const Header& header, std::string_view name) {
    const Field* const field = header.find(name);
    if (field == nullptr || header.find("DKIM-Signature") != nullptr) {
        return false;
    }
    const std::string value = field->value();
    return iequals(name, "Date") ? !is_date(value)
                                 : read_message_id(value).empty() || !is_ascii(value);
}

bool is_atom(std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(
               text,
               [](char c) {
                   return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_' || c == '+';
               }
           ) &&
           !text.starts_with('.') && !text.ends_with('.') && !text.contains("..");
}

// RFC 6409 §8: fields that say nothing, or nothing that can be read, go or are written anew.
void normalise(
    const Header& header, const Inspection& found, const RepairOptions& options, Repaired& repaired
) {
    if (header.find("DKIM-Signature") != nullptr) {
        return;
    }
    const auto& fields = header.fields();
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::string_view name = fields[i].name;
        const bool list = iequals(name, "To") || iequals(name, "Cc") || iequals(name, "Reply-To");
        const std::string value =
            list || iequals(name, "Sender") ? fields[i].value() : std::string{};
        if (list && value.empty()) {
            repaired.removed.push_back(i);
        } else if (const std::string full = with_domain(value, options.domain);
                   list && !full.empty()) {
            repaired.removed.push_back(i);
            repaired.added += make_field(name, full);
        } else if (iequals(name, "Sender")) {
            // RFC 5322 §3.6.2: it isn't used to repeat the one author.
            const bool repeats = found.from.size() == 1 && found.sender == found.from.front();
            const bool several = found.from.size() > 1 && !options.rewrite_from;
            if (repeats || (found.sender.empty() && !options.account_address.empty())) {
                repaired.removed.push_back(i);
                repaired.added +=
                    several ? make_field("Sender", options.account_address) : std::string{};
            }
        } else if ((iequals(name, "Date") || iequals(name, "Message-ID")) &&
                   unreadable(header, name)) {
            repaired.removed.push_back(i);
        }
    }
}

}  // namespace

std::string with_domain(std::string_view value, std::string_view domain) {
    // What programs write who mean the empty group (RFC 5322 §3.4).
    if (to_lower(value).starts_with("undisclosed") &&
        value.find_first_of(":@<,") == std::string_view::npos) {
        return "undisclosed-recipients:;";
    }
    std::string out;
    for (const std::string_view part : split(value, ',')) {
        const std::string_view name = trim(part);
        if (domain.empty() || !is_atom(name)) {
            return {};
        }
        out += (out.empty() ? "" : ", ") + std::string(name) + "@" + std::string(domain);
    }
    return out;
}

Inspection inspect(const Header& header) {
    Inspection found;
    std::size_t from_fields = 0;
    for (const Field& field : header.fields()) {
        if (iequals(field.name, "From")) {
            const AddressList list = parse_address_list(field.value());
            for (const Mailbox& mailbox : list.mailboxes) {
                found.from.push_back(mailbox.address());
            }
            found.from_well_formed = found.from_well_formed && list.well_formed &&
                                     !list.truncated && !list.mailboxes.empty();
            ++from_fields;
        } else if (iequals(field.name, "Sender") && found.sender.empty()) {
            const AddressList list = parse_address_list(field.value(), 1);
            if (!list.mailboxes.empty()) {
                found.sender = list.mailboxes.front().address();
            }
        } else if (iequals(field.name, "Message-ID") && found.message_id.empty()) {
            found.message_id = read_message_id(field.value());
        } else if (iequals(field.name, "Subject") && found.subject.empty()) {
            found.subject = decode_words(field.value());
        } else if (iequals(field.name, "Date")) {
            found.has_date = true;
        } else if (is_bcc(field.name)) {
            found.has_bcc = true;
        } else if (iequals(field.name, "Received")) {
            ++found.received;
        }
    }
    found.has_from = from_fields > 0;
    found.from_well_formed = found.from_well_formed && from_fields == 1;
    // RFC 5322 §3.6: at most one of each.
    static constexpr std::array<std::string_view, 11> kOnce{
        "Date",
        "From",
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Bcc",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Subject",
    };
    for (const std::string_view field_name : kOnce) {
        if (header.count(field_name) > 1) {
            found.repeated.emplace_back(field_name);
        }
    }
    return found;
}

Repaired plan_repair(const Header& header, const RepairOptions& options) {
    const Inspection found = inspect(header);
    Repaired repaired;
    repaired.message_id = found.message_id;
    normalise(header, found, options, repaired);
    if (!found.has_date || unreadable(header, "Date")) {
        repaired.added += make_field("Date", rfc5322_date(options.now));
    }
    if (!found.has_from && !options.account_address.empty()) {
        repaired.added += make_field("From", options.account_address);
    }
    const bool rewritten =
        options.rewrite_from && found.has_from && !options.account_address.empty();
    if (!rewritten && found.from.size() > 1 && header.find("Sender") == nullptr &&
        !options.account_address.empty()) {
        repaired.added += make_field("Sender", options.account_address);
    }
    if (header.find("Message-ID") == nullptr || unreadable(header, "Message-ID")) {
        repaired.message_id = "<" + options.id_token + "@" + options.host + ">";
        repaired.added += make_field("Message-ID", repaired.message_id);
    }
    if (rewritten) {
        rewrite_from(header, options.account_address, repaired);
    }
    std::ranges::sort(repaired.removed);
    const auto twice = std::ranges::unique(repaired.removed);
    repaired.removed.erase(twice.begin(), twice.end());
    repaired.bcc_removed = options.remove_bcc && found.has_bcc;
    repaired.return_path_removed = header.find("Return-Path") != nullptr;
    repaired.separator_added = !header.has_separator();
    return repaired;
}

std::string assemble(
    std::string_view message, const Header& header, std::string_view trace, const Repaired& repaired
) {
    std::string out;
    out.reserve(trace.size() + repaired.added.size() + message.size() + 4);
    out += trace;
    out += repaired.added;
    if (!repaired.bcc_removed && !repaired.return_path_removed && repaired.removed.empty() &&
        !header.has(DefectKind::MboxLine)) {
        out += message.substr(0, header.header_size());
    } else {
        const auto& fields = header.fields();
        for (std::size_t i = 0; i < fields.size(); ++i) {
            const Field& field = fields[i];
            const bool removed =
                (repaired.bcc_removed && is_bcc(field.name)) ||
                (repaired.return_path_removed && iequals(field.name, "Return-Path")) ||
                std::binary_search(repaired.removed.begin(), repaired.removed.end(), i);
            if (!removed) {
                out += field.whole;
            }
        }
    }
    if (!header.has_separator()) {
        // Without it our fields would run into the body, or the body into our fields.
        if (!out.empty() && !out.ends_with('\n')) {
            out += "\r\n";
        }
        out += "\r\n";
    }
    out += message.substr(header.header_size());
    return out;
}

}  // namespace sekisho::message
