// Scans the header section of a message in place: every field as views into the caller's bytes,
// every oddity as a defect with its offset. Never copies, never fails, never repairs; what to do
// about a defect is the caller's decision (repair.h does it for submission).
//
// Invariant: header_size() <= body_offset() <= message size, and every view lies inside the
// message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {

struct HeaderLimits {
    std::size_t size_max = 256UL * 1024;  // octets of the header section
    std::size_t fields_max = 1000;
    std::size_t line_max = 998;  // without CRLF (RFC 5322 §2.1.1)
    std::size_t defects_max = 32;
};

enum class DefectKind : std::uint8_t {
    NotAField,         // a line that is neither field nor fold: the header section ends before it
    MboxLine,          // "From alice Tue ..." or ">From ..." at the start: skipped
    SpaceBeforeColon,  // obsolete but read (RFC 5322 §4.5)
    EmptyFold,         // a continuation of white space only (RFC 5322 §4.2)
    LineTooLong,
    BareCr,
    BareLf,  // read as a line end
    Nul,
    EightBit,      // only well in an SMTPUTF8 message (RFC 6532 §3)
    NoSeparator,   // the message ends inside the header section
    TooLarge,      // size_max reached: fields after it are not seen
    TooManyFields  // fields_max reached, likewise
};
[[nodiscard]] std::string_view name(DefectKind kind);

struct Defect {
    DefectKind kind = DefectKind::NotAField;
    std::size_t offset = 0;  // in the message
};

struct Field {
    std::string_view name;   // as written, without white space before the colon
    std::string_view raw;    // after the colon, folds included, without the last line end
    std::string_view whole;  // its lines with their line ends

    // Unfolded (RFC 5322 §2.2.3) and without white space at both ends.
    [[nodiscard]] std::string value() const;
};

class Header {
  public:
    [[nodiscard]] static Header scan(std::string_view message, const HeaderLimits& limits = {});

    [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }
    // Names compare without ASCII case. The first such field, or null.
    [[nodiscard]] const Field* find(std::string_view name) const;
    [[nodiscard]] std::vector<const Field*> find_all(std::string_view name) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;

    [[nodiscard]] const std::vector<Defect>& defects() const { return defects_; }
    [[nodiscard]] bool has(DefectKind kind) const;
    // False after TooLarge or TooManyFields: what follows was not read, so refuse the message.
    [[nodiscard]] bool complete() const { return complete_; }

    // Octets of the header section, without the empty line.
    [[nodiscard]] std::size_t header_size() const { return header_size_; }
    // Where the body begins: after the empty line, or at the line that is no field.
    [[nodiscard]] std::size_t body_offset() const { return body_offset_; }
    [[nodiscard]] bool has_separator() const { return body_offset_ != header_size_; }

  private:
    friend class HeaderScanner;
    std::vector<Field> fields_;
    std::vector<Defect> defects_;
    std::size_t header_size_ = 0;
    std::size_t body_offset_ = 0;
    bool complete_ = true;
};

// A field ready to be written: "Name: value" folded at 78 octets where white space allows it
// (RFC 5322 §2.1.1), with CRLF. CR, LF and NUL in the value become spaces, so that a value can
// never begin a new field.
[[nodiscard]] std::string make_field(std::string_view name, std::string_view value);

}  // namespace sekisho::message
