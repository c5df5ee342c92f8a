// What a reply of another server means, by rules in order. Pure.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::replies {

enum class Treat : std::uint8_t {
    AsSaid,  // 4yz is tried again, 5yz is returned
    Later,   // tried again, whatever the reply's class
    Return,  // returned, whatever the reply's class
};

struct Kind {
    std::string name;  // "mailbox-full"
    std::string why_ja, todo_ja, why_en, todo_en;
    bool recipient_gone = false;  // nobody will ever get mail there: counts for suppression
    Treat treat = Treat::AsSaid;
    // Bounds of the wait for the next try; zero: none. The longest counts for the first tries only.
    Duration wait_min{0}, wait_max{0};
};

// All conditions must hold; an empty list asks nothing.
struct Rule {
    std::string name;
    std::string kind;
    std::vector<std::string> codes;     // "421", "4" for all of 4yz
    std::vector<std::string> statuses;  // "5.1.1", "x.7.x"
    std::vector<std::string> texts;     // lower case; somewhere in the reply; `*` is anything
    std::vector<std::string> hosts;     // "mx.example.net", ".example.net" for all below it
    std::optional<Treat> treat;         // instead of the kind's
    std::optional<Duration> wait_min, wait_max;
};

struct Question {
    std::string_view reply;  // "550 5.1.1 No such user"
    std::string_view host;   // who said it; empty: unknown, or we ourselves
};

struct Meaning {
    std::string rule;  // its name; empty: none fits, and the kind is "other"
    Kind kind;         // with what the rule says instead
};

class Table {
  public:
    // What another table says after this one's rules; its kinds are known, and may be changed.
    // Errors: Invalid with "NAME:LINE: ...".
    [[nodiscard]] static Result<std::shared_ptr<const Table>> parse(
        std::string_view toml, const std::string& name, const Table* after = nullptr
    );
    // share/replies.toml as it was when this was built.
    [[nodiscard]] static const std::shared_ptr<const Table>& built_in();

    [[nodiscard]] Meaning find(const Question& question) const;
    [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }
    [[nodiscard]] const std::map<std::string, Kind>& kinds() const { return kinds_; }

  private:
    friend class Reader;
    std::vector<Rule> rules_;
    std::map<std::string, Kind> kinds_;
};

// The table that this process goes by: the built-in one until another is set. As the log's level,
// it is one for all, so that every page, notification and verdict says the same.
[[nodiscard]] std::shared_ptr<const Table> in_use();
void use(std::shared_ptr<const Table> table);

// "5.1.1": a class, a subject and a detail of up to three digits (RFC 3463 §2).
[[nodiscard]] bool is_status(std::string_view text);
// "550 5.1.1 No such user" -> "5.1.1" (RFC 2034 §4); empty: it has none.
[[nodiscard]] std::string_view status_in(std::string_view reply);
// What an event of delivery tells: "550 5.1.1 no (mx.example.net[192.0.2.1]:25, no TLS)", with
// "delivery time expired; last: " before it or without.
[[nodiscard]] Question said_in(std::string_view detail);
// Whether the parts between the pattern's `*` are in the text, one after the other. Both lower
// case.
[[nodiscard]] bool has_pattern(std::string_view text, std::string_view pattern);

}  // namespace sekisho::replies
