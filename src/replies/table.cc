#include "replies/table.h"

#include "base/bytes.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::replies {
namespace {

constexpr std::size_t kReplyMax = 2000;

bool digit(char c) {
    return c >= '0' && c <= '9';
}

bool status_fits(std::string_view pattern, std::string_view status) {
    const auto wanted = split(pattern, '.');
    const auto given = split(status, '.');
    if (wanted.size() != 3 || given.size() != 3) {
        return false;
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
        if (wanted[i] != "x" && wanted[i] != given[i]) {
            return false;
        }
    }
    return true;
}

bool host_fits(std::string_view pattern, std::string_view host) {
    return pattern.starts_with('.') ? host.size() > pattern.size() && host.ends_with(pattern)
                                    : host == pattern;
}

// Of a question, once for all rules.
struct Facts {
    std::string text;  // lower case
    std::string_view status;
    std::string host;
};

template <class Fits>
bool any(const std::vector<std::string>& patterns, const Fits& fits) {
    return patterns.empty() || std::ranges::any_of(patterns, fits);
}

bool fits(const Rule& rule, const Facts& facts) {
    return any(rule.codes, [&](const auto& one) { return facts.text.starts_with(one); }) &&
           any(rule.statuses, [&](const auto& one) { return status_fits(one, facts.status); }) &&
           any(rule.hosts, [&](const auto& one) { return host_fits(one, facts.host); }) &&
           any(rule.texts, [&](const auto& one) { return has_pattern(facts.text, one); });
}

struct InUse {
    std::mutex mutex;
    std::shared_ptr<const Table> table = Table::built_in();
};
InUse& process_wide() {
    static InUse in_use;
    return in_use;
}

}  // namespace

Meaning Table::find(const Question& question) const {
    const std::string_view reply = question.reply.substr(0, kReplyMax);
    Facts facts;
    facts.text = to_lower(reply);
    facts.status = status_in(reply);
    facts.host = to_lower(question.host);
    Meaning meaning;
    for (const Rule& rule : rules_) {
        if (fits(rule, facts)) {
            meaning.rule = rule.name;
            meaning.kind = kinds_.at(rule.kind);
            meaning.kind.treat = rule.treat.value_or(meaning.kind.treat);
            meaning.kind.wait_min = rule.wait_min.value_or(meaning.kind.wait_min);
            meaning.kind.wait_max = rule.wait_max.value_or(meaning.kind.wait_max);
            break;
        }
    }
    if (meaning.rule.empty()) {
        const auto other = kinds_.find("other");
        meaning.kind = other == kinds_.end() ? Kind{} : other->second;
    }
    return meaning;
}

std::shared_ptr<const Table> in_use() {
    InUse& in_use = process_wide();
    const std::scoped_lock lock(in_use.mutex);
    return in_use.table;
}

void use(std::shared_ptr<const Table> table) {
    InUse& in_use = process_wide();
    const std::scoped_lock lock(in_use.mutex);
    in_use.table = std::move(table);
}

bool is_status(std::string_view text) {
    const auto parts = split(text, '.');
    return parts.size() == 3 && (text[0] == '2' || text[0] == '4' || text[0] == '5') &&
           parts[0].size() == 1 && std::ranges::all_of(parts, [](std::string_view part) {
               return !part.empty() && part.size() <= 3 && std::ranges::all_of(part, digit);
           });
}

std::string_view status_in(std::string_view reply) {
    constexpr std::size_t kCode = 3;
    if (reply.size() <= kCode || !std::ranges::all_of(reply.substr(0, kCode), digit)) {
        return {};
    }
    // "550 5.1.1 text" or "550-5.1.1 text" (RFC 2034 §4).
    std::string_view rest = reply.substr(kCode + 1);
    rest = rest.substr(0, rest.find_first_of(" \t\r\n"));
    return is_status(rest) && rest[0] == reply[0] ? rest : std::string_view{};
}

Question said_in(std::string_view detail) {
    constexpr std::string_view kLast = "last: ";
    if (const std::size_t last = detail.rfind(kLast); last != std::string_view::npos) {
        detail.remove_prefix(last + kLast.size());
    }
    Question question{.reply = detail, .host = {}};
    const std::size_t open = detail.rfind(" (");
    if (open == std::string_view::npos) {
        return question;
    }
    const std::string_view rest = detail.substr(open + 2);
    const std::size_t bracket = rest.find('[');
    if (bracket != std::string_view::npos && !rest.substr(0, bracket).contains(' ')) {
        question.reply = detail.substr(0, open);
        question.host = rest.substr(0, bracket);
    }
    return question;
}

bool has_pattern(std::string_view text, std::string_view pattern) {
    for (const std::string_view part : split(pattern, '*')) {
        const std::size_t at = text.find(part);
        if (at == std::string_view::npos) {
            return false;
        }
        text.remove_prefix(at + part.size());
    }
    return true;
}

}  // namespace sekisho::replies
