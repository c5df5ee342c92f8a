// What a milter wants changed of a message, and the message with it done. Pure.
#pragma once

#include "base/result.h"
#include "milter/packet.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::milter {

struct FieldChange {
    enum class Kind : std::uint8_t {
        Add,     // below all others
        Insert,  // before the field with this number, counted from 0
        Change,  // the field with this number among those of its name, counted from 1; an empty
                 // value takes it away, one that isn't there is added
    };
    Kind kind = Kind::Add;
    std::uint32_t number = 0;
    std::string name, value;  // the value as the milter gave it, lines divided by LF
    friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

struct Changes {
    struct Path {
        std::string path;        // with angle brackets
        std::string parameters;  // of MAIL or RCPT
    };
    std::vector<FieldChange> fields;  // in order
    std::optional<std::string> body;
    std::optional<Path> sender;
    std::vector<Path> added;           // recipients
    std::vector<std::string> removed;  // recipients, with angle brackets
    std::optional<std::string> quarantine;

    [[nodiscard]] bool of_content() const { return !fields.empty() || body; }
};

// All that one milter may ask for about one message.
inline constexpr std::size_t kChangesMax = 2000;

// Takes a packet that asks for a change. False: it asks for none. Invalid: malformed, or too many
// (fields, recipients), or a body of more than `body_max` octets.
[[nodiscard]] Result<bool> take_change(
    Changes& changes, const Packet& packet, std::size_t body_max
);

// A field as milters are given it: without the space behind the colon unless they want it, lines
// divided by LF.
[[nodiscard]] std::string field_value(std::string_view raw, bool leading_space);

// The message with fields and body changed; CRLF everywhere but in the body of a binary message.
[[nodiscard]] std::string apply(
    std::string_view message, const Changes& changes, bool leading_space, bool binary
);

}  // namespace sekisho::milter
