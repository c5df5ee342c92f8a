#include "milter/changes.h"

#include "base/bytes.h"
#include "base/result.h"
#include "message/header.h"
#include "milter/packet.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::milter {
namespace {

bool is_wsp(char c) {
    return c == ' ' || c == '\t';
}

// RFC 5322 §2.2
bool is_field_name(std::string_view name) {
    return !name.empty() &&
           std::ranges::all_of(name, [](char c) { return c > ' ' && c < 127 && c != ':'; });
}

Error malformed(char command) {
    return {Errc::Invalid, std::string("a malformed packet '") + command + "'"};
}

Result<bool> take_field(Changes& changes, const Packet& packet) {
    DataReader data(packet.data);
    FieldChange out;
    if (packet.command != response::kAddHeader) {
        const auto number = data.number();
        if (!number) {
            return fail(malformed(packet.command));
        }
        out.number = *number;
        out.kind = packet.command == response::kInsertHeader ? FieldChange::Kind::Insert
                                                             : FieldChange::Kind::Change;
    }
    auto name = data.text();
    auto value = data.text();
    if (!name || !value || !is_field_name(*name)) {
        return fail(malformed(packet.command));
    }
    out.name = std::move(*name);
    out.value = std::move(*value);
    changes.fields.push_back(std::move(out));
    return true;
}

Result<Changes::Path> path_of(const Packet& packet) {
    DataReader data(packet.data);
    auto path = data.text();
    if (!path || path->empty()) {
        return fail(malformed(packet.command));
    }
    Changes::Path out;
    out.path = path->starts_with('<') ? std::move(*path) : "<" + *path + ">";
    if (!data.empty()) {
        auto parameters = data.text();
        if (!parameters) {
            return fail(malformed(packet.command));
        }
        out.parameters = std::move(*parameters);
    }
    return out;
}

Result<bool> take_path(Changes& changes, const Packet& packet) {
    auto path = path_of(packet);
    if (!path) {
        return fail(path.error());
    }
    if (packet.command == response::kChangeFrom) {
        changes.sender = std::move(*path);
    } else if (packet.command == response::kDeleteRcpt) {
        changes.removed.push_back(std::move(path->path));
    } else {
        changes.added.push_back(std::move(*path));
    }
    return true;
}

// A line end that is none becomes one: nothing of what we hand on may be read in two ways.
std::string with_crlf(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
            ++i;
        } else if (text[i] != '\r' && text[i] != '\n') {
            out += text[i];
            continue;
        }
        out += "\r\n";
    }
    return out;
}

// A whole field. Each line after the first must begin with white space, or it would be a field of
// its own; an empty one would end the header.
std::string field_of(const FieldChange& change, bool leading_space) {
    std::string out = change.name + ":";
    if (!leading_space && !change.value.starts_with(' ') && !change.value.starts_with('\t')) {
        out += ' ';
    }
    std::string value;
    for (const char c : change.value) {
        if (c != '\r') {
            value += c;
        }
    }
    bool first = true;
    for (const std::string_view line : split(value, '\n')) {
        if (first) {
            out += line;
        } else if (!trim(line).empty()) {
            out += "\r\n";
            out += is_wsp(line.front()) ? "" : " ";
            out += line;
        }
        first = false;
    }
    return out + "\r\n";
}

struct Line {
    std::string name;
    std::optional<std::string> whole;  // none: taken away, but still counted
};

// Who takes several fields away counts them as they were at first.
void change_field(std::vector<Line>& lines, const FieldChange& change, bool leading_space) {
    const bool away = change.value.empty();
    std::uint32_t seen = 0;
    for (Line& line : lines) {
        if (!iequals(line.name, change.name) || ++seen != std::max(change.number, 1U)) {
            continue;
        }
        if (away) {
            line.whole.reset();
        } else {
            line.whole = field_of(change, leading_space);
        }
        return;
    }
    if (!away) {
        lines.push_back({change.name, field_of(change, leading_space)});
    }
}

}  // namespace

Result<bool> take_change(Changes& changes, const Packet& packet, std::size_t body_max) {
    const std::size_t count = changes.fields.size() + changes.added.size() + changes.removed.size();
    if (count >= kChangesMax) {
        return fail(Errc::Invalid, "more changes than a message can have");
    }
    switch (packet.command) {
        case response::kAddHeader:
        case response::kInsertHeader:
        case response::kChangeHeader:
            return take_field(changes, packet);
        case response::kAddRcpt:
        case response::kAddRcptWith:
        case response::kDeleteRcpt:
        case response::kChangeFrom:
            return take_path(changes, packet);
        case response::kReplaceBody:
            if (!changes.body) {
                changes.body.emplace();
            }
            if (changes.body->size() + packet.data.size() > body_max) {
                return fail(Errc::Invalid, "a body larger than a message may be");
            }
            *changes.body += packet.data;
            return true;
        case response::kQuarantine: {
            auto reason = DataReader(packet.data).text();
            if (!reason) {
                return fail(malformed(packet.command));
            }
            changes.quarantine = std::move(*reason);
            return true;
        }
        default:
            return false;
    }
}

std::string field_value(std::string_view raw, bool leading_space) {
    if (!leading_space) {
        while (!raw.empty() && is_wsp(raw.front())) {
            raw.remove_prefix(1);
        }
    }
    std::string out;
    out.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '\r' || i + 1 == raw.size() || raw[i + 1] != '\n') {
            out += raw[i];
        }
    }
    return out;
}

std::string apply(
    std::string_view message, const Changes& changes, bool leading_space, bool binary
) {
    const auto header = message::Header::scan(message);
    std::vector<Line> lines;
    lines.reserve(header.fields().size() + changes.fields.size());
    for (const message::Field& field : header.fields()) {
        lines.push_back({std::string(field.name), std::string(field.whole)});
    }
    for (const FieldChange& change : changes.fields) {
        switch (change.kind) {
            case FieldChange::Kind::Add:
                lines.push_back({change.name, field_of(change, leading_space)});
                break;
            case FieldChange::Kind::Insert: {
                const std::size_t at = std::min<std::size_t>(change.number, lines.size());
                lines.insert(
                    lines.begin() + static_cast<std::ptrdiff_t>(at),
                    Line{change.name, field_of(change, leading_space)}
                );
                break;
            }
            case FieldChange::Kind::Change:
                change_field(lines, change, leading_space);
                break;
        }
    }
    std::string out;
    out.reserve(message.size() + 4096);
    for (const Line& line : lines) {
        out += line.whole.value_or("");
        if (line.whole && !line.whole->ends_with('\n')) {
            out += "\r\n";  // the last one of a message without body
        }
    }
    out += "\r\n";
    if (!changes.body) {
        out += message.substr(header.body_offset());
    } else {
        out += binary ? *changes.body : with_crlf(*changes.body);
    }
    return out;
}

}  // namespace sekisho::milter
