// What one page is made with: the reader's language, the values that texts may name, and the few
// pieces of HTML that every page is built from. Everything that is not markup of ours is escaped
// here.
#pragma once

#include "guide/catalogue.h"
#include "guide/guide.h"

#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::guide {

// For text and for attribute values in double or single quotes.
[[nodiscard]] std::string escape_html(std::string_view text);
// For XML 1.0 as well: bytes it can't hold become U+FFFD.
[[nodiscard]] std::string escape_xml(std::string_view text);
// Percent-encoding of everything but unreserved characters (RFC 3986 §2.3).
[[nodiscard]] std::string encode_query(std::string_view text);

using Values = std::map<std::string, std::string, std::less<>>;

class View {
  public:
    View(
        const config::Config& config,
        Language language,
        const GuideRequest& request,
        const Photographs* photographs = nullptr
    );

    [[nodiscard]] const config::Config& config() const { return config_; }
    [[nodiscard]] Language language() const { return language_; }
    [[nodiscard]] const GuideRequest& request() const { return request_; }
    // Of a program, in the reader's language; null: there is none.
    [[nodiscard]] const Photograph* photograph(std::string_view program) const;

    // A value that texts name as {name}; not escaped by the caller.
    void set(std::string_view name, std::string value);
    [[nodiscard]] std::string value(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view key) const;
    // The text with its values, as HTML, its **strong**, `code` and [links](page) made.
    [[nodiscard]] std::string html(std::string_view key) const;
    // The same without markup, not escaped: for pictures and attributes, which escape themselves.
    [[nodiscard]] std::string plain(std::string_view key) const;

    [[nodiscard]] std::string url(std::string_view page) const;  // "/ja/settings"
    [[nodiscard]] std::string time(Time at) const;               // a <time> element, local
    [[nodiscard]] std::string time_text(Time at) const;          // "2026-11-24 22:53 (UTC+09:00)"

    // Pieces.
    [[nodiscard]] std::string heading(int level, std::string_view key) const;
    [[nodiscard]] std::string paragraph(std::string_view key, std::string_view style = "") const;
    [[nodiscard]] std::string list(std::string_view key, bool ordered = false) const;  // key.1, ...
    [[nodiscard]] std::string note(std::string_view key, std::string_view kind = "info") const;
    // `text` as it is, under a heading.
    [[nodiscard]] std::string example(std::string_view heading, std::string_view text) const;
    [[nodiscard]] std::string button(
        std::string_view page, std::string_view key, bool primary = true
    ) const;

  private:
    [[nodiscard]] std::string_view text(std::string_view key) const;

    const config::Config& config_;
    Language language_;
    const GuideRequest& request_;
    const Photographs* photographs_;
    Values values_;
};

// A table of two columns, label and value; both are HTML.
class Sheet {
  public:
    void row(std::string label, std::string value);
    [[nodiscard]] std::string html() const;
    [[nodiscard]] bool empty() const { return rows_.empty(); }

  private:
    std::string rows_;
};

}  // namespace sekisho::guide
