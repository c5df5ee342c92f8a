// Reading a file of rules.
#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "replies/asset.h"
#include "replies/table.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::replies {
namespace {

constexpr std::size_t kFileMax = std::size_t{1} << 20U;

std::string in_quotes(std::string_view text) {
    return "\"" + printable(text, 100) + "\"";
}

std::optional<Treat> parse_treat(std::string_view text) {
    if (text == "as-said") {
        return Treat::AsSaid;
    }
    if (text == "later") {
        return Treat::Later;
    }
    return text == "return" ? std::optional(Treat::Return) : std::nullopt;
}

bool is_code(std::string_view text) {
    return !text.empty() && text.size() <= 3 && text[0] >= '2' && text[0] <= '5' &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_status_pattern(std::string_view text) {
    const auto parts = split(text, '.');
    return parts.size() == 3 && std::ranges::all_of(parts, [](std::string_view part) {
               return part == "x" ||
                      (!part.empty() && part.size() <= 3 &&
                       std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; }));
           });
}

bool is_host_pattern(std::string_view text) {
    return text.size() > 1 && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                      c == '_';
           });
}

bool is_text_pattern(std::string_view text) {
    return text.size() <= 200 && text.find_first_not_of("* ") != std::string_view::npos;
}

}  // namespace

class Reader {
  public:
    explicit Reader(const Table* after) {
        if (after != nullptr) {
            table_->kinds_ = after->kinds_;
        }
    }

    // A sentence, and at which line, about the first fault.
    std::optional<std::string> read(const toml::table& root) {
        for (const auto& [key, node] : root) {
            const bool known = key == "kind" || key == "reply";
            if (!known || !node.is_array_of_tables()) {
                return at(node) + std::string(key.str()) + ": expected [[kind]] and [[reply]]";
            }
        }
        if (auto wrong = each(root["kind"], &Reader::read_kind)) {
            return wrong;
        }
        return each(root["reply"], &Reader::read_rule);
    }

    std::shared_ptr<const Table> done(const Table* after) {
        if (after != nullptr) {
            table_->rules_.insert(table_->rules_.end(), after->rules_.begin(), after->rules_.end());
        }
        return table_;
    }

  private:
    using Read = std::optional<std::string> (Reader::*)(const toml::table&);

    static std::string at(const toml::node& node) {
        return std::to_string(node.source().begin.line) + ": ";
    }

    std::optional<std::string> each(toml::node_view<const toml::node> list, Read take) {
        if (list.as_array() == nullptr) {
            return std::nullopt;
        }
        for (const toml::node& one : *list.as_array()) {
            if (auto wrong = (this->*take)(*one.as_table())) {
                return wrong;
            }
        }
        return std::nullopt;
    }

    static std::optional<std::string> read_text(const toml::node& node, std::string& place) {
        const auto value = node.value_exact<std::string>();
        if (!value || value->empty()) {
            return "expected a string";
        }
        place = *value;
        return std::nullopt;
    }

    static std::optional<std::string> read_list(
        const toml::node& node, std::vector<std::string>& place, bool (*fits)(std::string_view)
    ) {
        const toml::array* const list = node.as_array();
        if (list == nullptr || list->empty()) {
            return "expected a list of strings";
        }
        for (const toml::node& one : *list) {
            const std::string text = to_lower(one.value_exact<std::string>().value_or(""));
            if (!fits(text)) {
                return in_quotes(text) + " can't be meant";
            }
            place.push_back(text);
        }
        return std::nullopt;
    }

    // What kinds and rules share; false: it is another key.
    template <class T>
    static bool read_shared(
        std::string_view key, const toml::node& node, T& place, std::optional<std::string>& wrong
    ) {
        if (key == "treat") {
            const auto treat = parse_treat(node.value_exact<std::string>().value_or(""));
            if (treat) {
                place.treat = *treat;
            } else {
                wrong = "expected \"as-said\", \"later\" or \"return\"";
            }
            return true;
        }
        if (key == "wait_min" || key == "wait_max") {
            const auto wait = parse_duration(node.value_exact<std::string>().value_or(""));
            if (!wait || *wait < Duration{0} || *wait > Duration{24LL * 3600 * 1000}) {
                wrong = "expected a duration of up to a day, as \"30m\"";
            } else if (key == "wait_min") {
                place.wait_min = *wait;
            } else {
                place.wait_max = *wait;
            }
            return true;
        }
        return false;
    }

    std::optional<std::string> read_kind(const toml::table& written) {
        Kind kind;
        kind.name = written["name"].value_exact<std::string>().value_or("");
        if (kind.name.empty() || kind.name.size() > 64) {
            return at(written) + "kind: name is missing, or has more than 64 bytes";
        }
        const auto known = table_->kinds_.find(kind.name);
        if (known != table_->kinds_.end()) {
            kind = known->second;
        }
        for (const auto& [key, node] : written) {
            std::optional<std::string> wrong;
            if (key == "why_ja") {
                wrong = read_text(node, kind.why_ja);
            } else if (key == "todo_ja") {
                wrong = read_text(node, kind.todo_ja);
            } else if (key == "why_en") {
                wrong = read_text(node, kind.why_en);
            } else if (key == "todo_en") {
                wrong = read_text(node, kind.todo_en);
            } else if (key == "recipient_gone") {
                kind.recipient_gone = node.value_exact<bool>().value_or(false);
                wrong = node.is_boolean() ? wrong : "expected true or false";
            } else if (key != "name" && !read_shared(key.str(), node, kind, wrong)) {
                wrong = "unknown key";
            }
            if (wrong) {
                return at(node) + "kind." + std::string(key.str()) + ": " + *wrong;
            }
        }
        if (kind.why_ja.empty() || kind.todo_ja.empty() || kind.why_en.empty() ||
            kind.todo_en.empty()) {
            return at(written) + "kind " + in_quotes(kind.name) +
                   ": why_ja, todo_ja, why_en and todo_en are needed";
        }
        table_->kinds_[kind.name] = kind;
        return std::nullopt;
    }

    std::optional<std::string> read_rule(const toml::table& written) {
        Rule rule;
        for (const auto& [key, node] : written) {
            std::optional<std::string> wrong;
            if (key == "name") {
                wrong = read_text(node, rule.name);
            } else if (key == "kind") {
                wrong = read_text(node, rule.kind);
            } else if (key == "codes") {
                wrong = read_list(node, rule.codes, is_code);
            } else if (key == "statuses") {
                wrong = read_list(node, rule.statuses, is_status_pattern);
            } else if (key == "texts") {
                wrong = read_list(node, rule.texts, is_text_pattern);
            } else if (key == "hosts") {
                wrong = read_list(node, rule.hosts, is_host_pattern);
            } else if (!read_shared(key.str(), node, rule, wrong)) {
                wrong = "unknown key";
            }
            if (wrong) {
                return at(node) + "reply." + std::string(key.str()) + ": " + *wrong;
            }
        }
        if (rule.name.empty() || rule.name.size() > 64) {
            return at(written) + "reply: name is missing, or has more than 64 bytes";
        }
        if (!table_->kinds_.contains(rule.kind)) {
            return at(written) + "reply " + in_quotes(rule.name) + ": kind " +
                   in_quotes(rule.kind) + " is not known";
        }
        table_->rules_.push_back(std::move(rule));
        return std::nullopt;
    }

    std::shared_ptr<Table> table_ = std::make_shared<Table>();
};

Result<std::shared_ptr<const Table>> Table::parse(
    std::string_view toml, const std::string& name, const Table* after
) {
    if (toml.size() > kFileMax) {
        return fail(Errc::Invalid, name + ": more than 1 MiB");
    }
    try {
        const toml::table root = toml::parse(toml, name);
        Reader reader(after);
        if (auto wrong = reader.read(root)) {
            return fail(Errc::Invalid, name + ":" + *wrong);
        }
        return reader.done(after);
    } catch (const toml::parse_error& error) {
        return fail(
            Errc::Invalid,
            name + ":" + std::to_string(error.source().begin.line) + ": " +
                std::string(error.description())
        );
    }
}

const std::shared_ptr<const Table>& Table::built_in() {
    static const std::shared_ptr<const Table> table = [] {
        auto parsed = parse(asset::replies_toml, "share/replies.toml");
        SEKISHO_ASSERT(parsed.has_value());
        return std::move(*parsed);
    }();
    return table;
}

}  // namespace sekisho::replies
