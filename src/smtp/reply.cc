#include "smtp/reply.h"

#include "base/bytes.h"
#include "base/result.h"

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::smtp {
namespace {

// RFC 5321 §4.5.3.1.5: 512 octets with code, enhanced code and CRLF. UTF-8 may be cut elsewhere.
constexpr std::size_t kTextMax = 480;

bool digit(char c) {
    return c >= '0' && c <= '9';
}

// The length of the first piece of a text that is too long for a line: at a space when there is
// one, never inside a UTF-8 sequence.
std::size_t piece_length(std::string_view text) {
    if (text.size() <= kTextMax) {
        return text.size();
    }
    const std::size_t space = text.rfind(' ', kTextMax);
    if (space != std::string_view::npos && space > kTextMax / 2) {
        return space + 1;
    }
    std::size_t at = kTextMax;
    while (at > 1 && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U) {
        --at;
    }
    return at;
}

std::vector<std::string> pieces(const Reply& reply) {
    std::vector<std::string> out;
    for (const std::string& line : reply.lines) {
        const std::string clean = printable(line, 4096);
        std::string_view rest = clean;
        do {
            const std::size_t length = piece_length(rest);
            out.emplace_back(rest.substr(0, length));
            rest.remove_prefix(length);
        } while (!rest.empty());
    }
    if (out.empty()) {
        out.emplace_back();
    }
    return out;
}

// Reads 1 to `digits_max` digits; false when there are none or too many.
bool number(std::string_view text, std::size_t& at, std::size_t digits_max) {
    const std::size_t from = at;
    while (at < text.size() && digit(text[at]) && at - from <= digits_max) {
        ++at;
    }
    return at > from && at - from <= digits_max;
}

}  // namespace

Reply reply(int code, std::string enhanced, std::string text) {
    Reply out{code, std::move(enhanced), {}};
    out.lines.push_back(std::move(text));
    return out;
}

std::string Reply::to_bytes() const {
    std::string out;
    const std::vector<std::string> texts = pieces(*this);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        out += fmt::format("{:03}{}", code, i + 1 < texts.size() ? '-' : ' ');
        if (!enhanced.empty()) {
            out += enhanced;
            out += ' ';
        }
        out += texts[i];
        out += "\r\n";
    }
    return out;
}

std::string Reply::text() const {
    std::string out = fmt::format("{:03}", code);
    if (!enhanced.empty()) {
        out += " " + enhanced;
    }
    for (const std::string& line : lines) {
        if (!line.empty()) {
            out += " " + printable(line, 1000);
        }
    }
    return out;
}

bool is_enhanced_code(std::string_view text) {
    std::size_t at = 0;
    if (text.empty() || (text[0] != '2' && text[0] != '4' && text[0] != '5')) {
        return false;
    }
    ++at;
    for (int part = 0; part < 2; ++part) {
        if (at >= text.size() || text[at] != '.') {
            return false;
        }
        ++at;
        if (!number(text, at, 3)) {
            return false;
        }
    }
    return at == text.size();
}

void ReplyReader::clear() {
    input_.clear();
    partial_.reset();
}

// True when the line ended its reply.
Result<bool> ReplyReader::take_line(std::string_view line) {
    if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !digit(line[1]) || !digit(line[2])) {
        return fail(Errc::Invalid, fmt::format("not an SMTP reply: {}", printable(line, 80)));
    }
    const bool last = line.size() == 3 || line[3] == ' ';
    if (!last && line[3] != '-') {
        return fail(Errc::Invalid, fmt::format("not an SMTP reply: {}", printable(line, 80)));
    }
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view{};
    // RFC 2034 §4: the enhanced code is of the same class as the basic one.
    std::string enhanced;
    const std::string_view first = text.substr(0, text.find(' '));
    if (is_enhanced_code(first) && first[0] == line[0]) {
        enhanced = first;
        text.remove_prefix(first.size());
        text = text.empty() ? text : text.substr(1);
    }
    if (!partial_) {
        partial_ = Reply{code, std::move(enhanced), {}};
    } else if (partial_->code != code) {
        // RFC 5321 §4.2.1: every line of a reply has the same code.
        return fail(Errc::Invalid, fmt::format("reply with two codes: {}", printable(line, 80)));
    }
    if (partial_->lines.size() >= kLinesMax) {
        return fail(Errc::Invalid, "reply with too many lines");
    }
    partial_->lines.emplace_back(text);
    return last;
}

Result<std::optional<Reply>> ReplyReader::next() {
    while (true) {
        const std::size_t end = input_.find('\n');
        if (end == std::string::npos ? input_.size() > kLineMax : end > kLineMax) {
            return fail(Errc::Invalid, "reply line too long");
        }
        if (end == std::string::npos) {
            return std::optional<Reply>{};
        }
        // Servers that end lines with a bare LF exist; a reply can't be smuggled, so take it.
        std::string_view line = std::string_view(input_).substr(0, end);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        const Result<bool> taken = take_line(line);
        if (!taken) {
            return fail(taken.error());
        }
        const bool last = *taken;
        input_.erase(0, end + 1);
        if (last) {
            std::optional<Reply> out = std::move(partial_);
            partial_.reset();
            return out;
        }
    }
}

}  // namespace sekisho::smtp
