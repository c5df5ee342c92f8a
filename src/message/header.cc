#include "message/header.h"

#include "base/bytes.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {
namespace {

constexpr std::size_t kFoldColumn = 78;  // RFC 5322 §2.1.1

bool is_wsp(char c) {
    return c == ' ' || c == '\t';
}

// RFC 5322 §2.2: any printable ASCII but the colon.
bool is_name_char(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 32 && byte < 127 && c != ':';
}

bool is_mbox_line(std::string_view line) {
    return line.starts_with("From ") || line.starts_with(">From ");
}

}  // namespace

std::string_view name(DefectKind kind) {
    switch (kind) {
        case DefectKind::NotAField:
            return "not-a-field";
        case DefectKind::MboxLine:
            return "mbox-line";
        case DefectKind::SpaceBeforeColon:
            return "space-before-colon";
        case DefectKind::EmptyFold:
            return "empty-fold";
        case DefectKind::LineTooLong:
            return "line-too-long";
        case DefectKind::BareCr:
            return "bare-cr";
        case DefectKind::BareLf:
            return "bare-lf";
        case DefectKind::Nul:
            return "nul";
        case DefectKind::EightBit:
            return "eight-bit";
        case DefectKind::NoSeparator:
            return "no-separator";
        case DefectKind::TooLarge:
            return "too-large";
        case DefectKind::TooManyFields:
            return "too-many-fields";
    }
    return "unknown";
}

std::string Field::value() const {
    std::string out;
    out.reserve(raw.size());
    for (const char c : raw) {
        if (c != '\r' && c != '\n') {
            out += c;
        }
    }
    return std::string(trim(out));
}

// Goes line by line; a line ends with LF, with or without CR before it.
class HeaderScanner {
  public:
    HeaderScanner(std::string_view message, const HeaderLimits& limits)
        : message_(message), limits_(limits) {}

    Header run() {
        while (at_ < message_.size()) {
            const Line line = next_line();
            if (line.text.empty() && line.terminated) {
                finish(at_, line.end);
                return std::move(header_);
            }
            if (line.end > limits_.size_max) {
                return stop(DefectKind::TooLarge);
            }
            if (is_wsp_only_start(line)) {
                extend(line);
            } else if (at_ == 0 && is_mbox_line(line.text)) {
                note(DefectKind::MboxLine, at_);
            } else if (!begin(line)) {
                return std::move(header_);
            }
            check_bytes(line);
            at_ = line.end;
        }
        note(DefectKind::NoSeparator, at_);
        finish(at_, at_);
        return std::move(header_);
    }

  private:
    struct Line {
        std::string_view text;  // without its line end
        std::size_t end = 0;    // where the next one begins
        bool terminated = false;
    };

    [[nodiscard]] Line next_line() {
        const std::size_t lf = message_.find('\n', at_);
        Line line;
        line.terminated = lf != std::string_view::npos;
        line.end = line.terminated ? lf + 1 : message_.size();
        line.text = message_.substr(at_, (line.terminated ? lf : line.end) - at_);
        if (line.terminated) {
            if (line.text.ends_with('\r')) {
                line.text.remove_suffix(1);
            } else {
                note(DefectKind::BareLf, lf);
            }
        }
        return line;
    }

    // A fold belongs to the field before it; without one it is no header line.
    [[nodiscard]] bool is_wsp_only_start(const Line& line) const {
        return !line.text.empty() && is_wsp(line.text.front()) && !header_.fields_.empty();
    }

    void extend(const Line& line) {
        Field& field = header_.fields_.back();
        const std::size_t start = offset(field.raw);
        field.raw = message_.substr(start, offset(line.text) + line.text.size() - start);
        field.whole = message_.substr(offset(field.whole), line.end - offset(field.whole));
        if (trim(line.text).empty()) {
            note(DefectKind::EmptyFold, at_);
        }
    }

    // False: the header section is over at this line.
    bool begin(const Line& line) {
        const std::size_t colon = line.text.find(':');
        std::string_view field_name = line.text.substr(0, std::min(colon, line.text.size()));
        const std::size_t name_size = field_name.size();
        while (!field_name.empty() && is_wsp(field_name.back())) {
            field_name.remove_suffix(1);
        }
        if (colon == std::string_view::npos || field_name.empty() ||
            !std::all_of(field_name.begin(), field_name.end(), is_name_char)) {
            note(DefectKind::NotAField, at_);
            finish(at_, at_);
            return false;
        }
        if (header_.fields_.size() >= limits_.fields_max) {
            stop_at(DefectKind::TooManyFields);
            return false;
        }
        if (field_name.size() != name_size) {
            note(DefectKind::SpaceBeforeColon, at_);
        }
        header_.fields_.push_back(
            {field_name, line.text.substr(colon + 1), message_.substr(at_, line.end - at_)}
        );
        return true;
    }

    void check_bytes(const Line& line) {
        if (line.text.size() > limits_.line_max) {
            note(DefectKind::LineTooLong, at_);
        }
        for (std::size_t i = 0; i < line.text.size(); ++i) {
            const auto byte = static_cast<unsigned char>(line.text[i]);
            if (byte == 0) {
                note(DefectKind::Nul, at_ + i);
            } else if (byte == '\r') {
                note(DefectKind::BareCr, at_ + i);
            } else if (byte > 127 && !header_.has(DefectKind::EightBit)) {
                note(DefectKind::EightBit, at_ + i);  // once: a whole Japanese subject is one fact
            }
        }
    }

    // A kind that has not been seen is noted even when the list is full: has() must not lie.
    void note(DefectKind kind, std::size_t offset) {
        if (header_.defects_.size() < limits_.defects_max || !header_.has(kind)) {
            header_.defects_.push_back({kind, offset});
        }
    }

    void finish(std::size_t header_size, std::size_t body_offset) {
        header_.header_size_ = header_size;
        header_.body_offset_ = body_offset;
    }
    void stop_at(DefectKind kind) {
        note(kind, at_);
        header_.complete_ = false;
        finish(at_, at_);
    }
    Header stop(DefectKind kind) {
        stop_at(kind);
        return std::move(header_);
    }

    [[nodiscard]] std::size_t offset(std::string_view part) const {
        return static_cast<std::size_t>(part.data() - message_.data());
    }

    std::string_view message_;
    HeaderLimits limits_;
    Header header_;
    std::size_t at_ = 0;
};

Header Header::scan(std::string_view message, const HeaderLimits& limits) {
    return HeaderScanner(message, limits).run();
}

const Field* Header::find(std::string_view field_name) const {
    for (const Field& field : fields_) {
        if (iequals(field.name, field_name)) {
            return &field;
        }
    }
    return nullptr;
}

std::vector<const Field*> Header::find_all(std::string_view field_name) const {
    std::vector<const Field*> found;
    for (const Field& field : fields_) {
        if (iequals(field.name, field_name)) {
            found.push_back(&field);
        }
    }
    return found;
}

std::size_t Header::count(std::string_view field_name) const {
    return static_cast<std::size_t>(std::count_if(
        fields_.begin(),
        fields_.end(),
        [&](const Field& field) { return iequals(field.name, field_name); }
    ));
}

bool Header::has(DefectKind kind) const {
    return std::any_of(defects_.begin(), defects_.end(), [kind](const Defect& defect) {
        return defect.kind == kind;
    });
}

std::string make_field(std::string_view field_name, std::string_view value) {
    std::string clean(value);
    std::replace_if(
        clean.begin(), clean.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' '
    );
    std::string out(field_name);
    out += ':';
    std::size_t column = out.size();
    std::string_view rest = trim(clean);
    while (!rest.empty()) {
        const std::size_t gap_end = std::min(rest.find_first_not_of(" \t"), rest.size());
        const std::string_view gap = rest.substr(0, gap_end);
        rest.remove_prefix(gap_end);
        const std::size_t word_end = std::min(rest.find_first_of(" \t"), rest.size());
        const std::string_view word = rest.substr(0, word_end);
        rest.remove_prefix(word_end);
        // One space where there was none: after the colon.
        const std::string_view space = gap.empty() ? std::string_view(" ") : gap;
        if (column + space.size() + word.size() > kFoldColumn && column > field_name.size() + 1) {
            out += "\r\n";
            column = 0;
        }
        out += space;
        out += word;
        column += space.size() + word.size();
    }
    out += "\r\n";
    return out;
}

}  // namespace sekisho::message
