#include "dkim/canonical.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "message/header.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::dkim {
namespace {

constexpr std::size_t kBuffer = 8192;
constexpr std::string_view kCrlf = "\r\n";

bool is_wsp(char c) {
    return c == ' ' || c == '\t';
}

EVP_MD_CTX* digest(void* context) {
    return static_cast<EVP_MD_CTX*>(context);
}

// RFC 6376 §3.4.2: the name in lower case, one line, runs of white space as one space, none at
// both ends of the value.
std::string relaxed_field(const message::Field& field) {
    std::string out = to_lower(field.name);
    out += ':';
    const std::size_t begin = out.size();
    bool space = false;
    for (std::size_t i = 0; i < field.raw.size(); ++i) {
        const char c = field.raw[i];
        const bool line_end =
            c == '\n' || (c == '\r' && i + 1 < field.raw.size() && field.raw[i + 1] == '\n');
        if (line_end) {
            continue;
        }
        if (is_wsp(c)) {
            space = true;
            continue;
        }
        if (space && out.size() > begin) {
            out += ' ';
        }
        space = false;
        out += c;
    }
    out += kCrlf;
    return out;
}

// RFC 6376 §3.4.1: as it is.
std::string simple_field(const message::Field& field) {
    std::string out;
    out.reserve(field.whole.size() + 2);
    for (const char c : field.whole) {
        if (c == '\n' && !out.ends_with('\r')) {
            out += '\r';
        }
        out += c;
    }
    if (!out.ends_with('\n')) {
        out += kCrlf;
    }
    return out;
}

}  // namespace

std::string_view name(Canonicalization how) {
    return how == Canonicalization::Simple ? "simple" : "relaxed";
}

std::string canonical_field(const message::Field& field, Canonicalization how) {
    return how == Canonicalization::Simple ? simple_field(field) : relaxed_field(field);
}

void CanonicalBody::add(std::string_view part) {
    while (!part.empty()) {
        if (cr_) {
            cr_ = false;
            if (part.front() != '\n') {
                text("\r");
            }
        }
        const std::size_t lf = part.find('\n');
        std::string_view fragment = part.substr(0, std::min(lf, part.size()));
        if (fragment.ends_with('\r')) {
            fragment.remove_suffix(1);
            cr_ = lf == std::string_view::npos;
        }
        if (!fragment.empty()) {
            text(fragment);
        }
        if (lf == std::string_view::npos) {
            return;
        }
        end_line();
        part.remove_prefix(lf + 1);
    }
}

// Part of a line, without its end.
void CanonicalBody::text(std::string_view fragment) {
    if (how_ == Canonicalization::Simple) {
        write(fragment);
        return;
    }
    while (!fragment.empty()) {
        const std::size_t word = fragment.find_first_not_of(" \t");
        space_ = space_ || word != 0;
        if (word == std::string_view::npos) {
            return;
        }
        fragment.remove_prefix(word);
        const std::size_t end = std::min(fragment.find_first_of(" \t"), fragment.size());
        if (space_) {
            write(" ");
            space_ = false;
        }
        write(fragment.substr(0, end));
        fragment.remove_prefix(end);
    }
}

void CanonicalBody::write(std::string_view content) {
    for (; empty_lines_ > 0; --empty_lines_) {
        out_ += kCrlf;
        flush();
    }
    out_ += content;
    line_open_ = true;
    any_ = true;
    flush();
}

void CanonicalBody::end_line() {
    space_ = false;
    if (line_open_) {
        out_ += kCrlf;
        line_open_ = false;
    } else {
        ++empty_lines_;
    }
}

void CanonicalBody::flush() {
    if (out_.size() >= kBuffer) {
        sink_(out_);
        out_.clear();
    }
}

void CanonicalBody::finish() {
    if (cr_) {
        cr_ = false;
        text("\r");
    }
    // A body without a last line end gets one; simple makes one line of an empty body (§3.4.3),
    // relaxed leaves it empty (§3.4.4).
    if (line_open_ || (!any_ && how_ == Canonicalization::Simple)) {
        out_ += kCrlf;
    }
    if (!out_.empty()) {
        sink_(out_);
    }
    out_.clear();
    line_open_ = false;
    any_ = true;
}

BodyHash::BodyHash(Canonicalization how, std::optional<std::uint64_t> limit)
    : how_(how),
      limit_(limit),
      context_(EVP_MD_CTX_new()),
      body_(how, [this](std::string_view canonical) { hash(canonical); }) {
    SEKISHO_ASSERT(
        context_ != nullptr && EVP_DigestInit_ex(digest(context_), EVP_sha256(), nullptr) == 1
    );
}

BodyHash::~BodyHash() {
    EVP_MD_CTX_free(digest(context_));
}

void BodyHash::hash(std::string_view canonical) {
    const std::uint64_t before = size_;
    size_ += canonical.size();
    if (limit_) {
        const std::uint64_t left = *limit_ > before ? *limit_ - before : 0;
        canonical = canonical.substr(0, std::min<std::uint64_t>(left, canonical.size()));
    }
    SEKISHO_ASSERT(EVP_DigestUpdate(digest(context_), canonical.data(), canonical.size()) == 1);
}

BodyHash::Digest BodyHash::finish() {
    body_.finish();
    Digest out;
    out.size = size_;
    out.sha256.resize(EVP_MD_get_size(EVP_sha256()));
    SEKISHO_ASSERT(
        EVP_DigestFinal_ex(
            digest(context_), reinterpret_cast<unsigned char*>(out.sha256.data()), nullptr
        ) == 1
    );
    return out;
}

}  // namespace sekisho::dkim
