// The two canonicalizations (RFC 6376 §3.4): header fields at once, the body in parts of any size.
// A line ends with CRLF or a lone LF, which counts as CRLF; a lone CR is an octet like others.
#pragma once

#include "message/header.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::dkim {

enum class Canonicalization : std::uint8_t { Simple, Relaxed };
[[nodiscard]] std::string_view name(Canonicalization how);

// With CRLF at its end.
[[nodiscard]] std::string canonical_field(const message::Field& field, Canonicalization how);

// Feeds the canonical body to `sink`. Keeps at most a few KiB, whatever the body's size.
class CanonicalBody {
  public:
    using Sink = std::function<void(std::string_view)>;
    CanonicalBody(Canonicalization how, Sink sink) : how_(how), sink_(std::move(sink)) {}

    void add(std::string_view part);
    void finish();

  private:
    void text(std::string_view fragment);
    void write(std::string_view content);
    void end_line();
    void flush();

    Canonicalization how_;
    Sink sink_;
    std::string out_;
    std::uint64_t empty_lines_ = 0;  // seen, and dropped unless something comes after them
    bool line_open_ = false;         // something of the current line has been written
    bool space_ = false;             // relaxed: white space that counts if something follows
    bool cr_ = false;                // the last part ended with CR
    bool any_ = false;
};

// SHA-256 over the canonical body, or its first `limit` octets (l=, RFC 6376 §3.5).
class BodyHash {
  public:
    BodyHash(Canonicalization how, std::optional<std::uint64_t> limit);
    BodyHash(const BodyHash&) = delete;
    BodyHash& operator=(const BodyHash&) = delete;
    ~BodyHash();

    void add(std::string_view part) { body_.add(part); }
    struct Digest {
        std::string sha256;      // 32 octets
        std::uint64_t size = 0;  // of the whole canonical body, limit or not
    };
    [[nodiscard]] Digest finish();

    [[nodiscard]] Canonicalization how() const { return how_; }
    [[nodiscard]] std::optional<std::uint64_t> limit() const { return limit_; }

  private:
    void hash(std::string_view canonical);

    Canonicalization how_;
    std::optional<std::uint64_t> limit_;
    std::uint64_t size_ = 0;
    void* context_;  // EVP_MD_CTX
    CanonicalBody body_;
};

}  // namespace sekisho::dkim
