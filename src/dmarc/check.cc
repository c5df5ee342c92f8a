#include "dmarc/check.h"

#include "base/bytes.h"
#include "dmarc/record.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::dmarc {
namespace {

constexpr std::size_t kWalkLabels = 7;       // RFC 9989 §4.10: what a long name is cut to
constexpr std::size_t kIdentifiersMax = 20;  // looked at; a message has one or two

bool is_dns_name(std::string_view name) {
    if (name.empty() || name.size() > 240 || name.starts_with('[')) {  // "_dmarc." comes before it
        return false;
    }
    return std::ranges::all_of(split(name, '.'), [](std::string_view label) {
        return !label.empty() && label.size() <= 63;
    });
}

std::string_view parent(std::string_view domain) {
    const std::size_t dot = domain.find('.');
    return dot == std::string_view::npos ? std::string_view() : domain.substr(dot + 1);
}

std::string_view top(std::string_view domain) {
    return domain.substr(domain.rfind('.') + 1);
}

std::string record_name(std::string_view domain) {
    return "_dmarc." + std::string(domain);
}

// What the walk from a domain found.
struct Walk {
    struct Found {
        std::string domain;
        Record record;
    };
    std::vector<Found> found;  // the longest name first
    std::string organization;
    std::string start;
    bool failed = false;  // an answer that could change it is missing
};

class Evaluation {
  public:
    Evaluation(const Input& input, const Answers& answers) : input_(input), answers_(answers) {}

    Step run() {
        outcome_.author = to_lower(input_.author);
        if (!is_dns_name(outcome_.author)) {
            return outcome_;
        }
        collect();
        ask_all_walks();
        if (!questions_.empty()) {
            return std::move(questions_);
        }
        const Walk author = walk_from(outcome_.author);
        outcome_.organization = author.organization;
        if (author.failed) {
            return error(Result::TempError, "no answer for the DMARC record of " + outcome_.author);
        }
        const Walk::Found* applied = policy_record(author);
        if (applied == nullptr) {
            return outcome_;
        }
        outcome_.policy_domain = applied->domain;
        if (!applied->record.usable) {
            return error(
                Result::PermError, "the DMARC record of " + applied->domain + " has no valid policy"
            );
        }
        outcome_.record = applied->record;
        align(applied->record, author.organization);
        set_policy(*applied);
        if (!questions_.empty()) {
            return std::move(questions_);
        }
        return outcome_;
    }

  private:
    Outcome error(Result result, std::string problem) {
        outcome_.result = result;
        outcome_.problem = std::move(problem);
        return outcome_;
    }

    // The identifiers that could align at all: a shared organizational domain ends in the same
    // label.
    void collect() {
        for (const Identifier& each : input_.identifiers) {
            Identifier identifier = each;
            identifier.domain = to_lower(each.domain);
            if (each.status != Status::Other && identifiers_.size() < kIdentifiersMax &&
                is_dns_name(identifier.domain) && top(identifier.domain) == top(outcome_.author)) {
                identifiers_.push_back(std::move(identifier));
            }
        }
    }

    const Answer* ask(const std::string& name) {
        const auto found = answers_.find(name);
        if (found != answers_.end()) {
            return &found->second;
        }
        if (std::ranges::find(questions_, name) == questions_.end()) {
            questions_.push_back(name);
        }
        return nullptr;
    }

    // All at once, so that it takes the time of one look-up. Most walks go up to the top anyway.
    void ask_all_walks() {
        for (const std::string& domain : walk(outcome_.author)) {
            (void)ask(record_name(domain));
        }
        for (const Identifier& identifier : identifiers_) {
            if (identifier.domain != outcome_.author) {
                for (const std::string& domain : walk(identifier.domain)) {
                    (void)ask(record_name(domain));
                }
            }
        }
    }

    // RFC 9989 §4.10 and §4.10.2.
    Walk walk_from(const std::string& start) const {
        Walk out;
        out.start = start;
        for (const std::string& domain : walk(start)) {
            const Answer& answer = answers_.find(record_name(domain))->second;
            if (answer.kind == Answer::Kind::Failed) {
                out.failed = true;
                return out;
            }
            std::vector<Record> records;
            for (const std::string& text : answer.texts) {
                if (auto record = parse_record(text)) {
                    records.push_back(std::move(*record));
                }
            }
            if (records.size() != 1) {  // several: none of them counts
                continue;
            }
            const Psd psd = records.front().psd;
            out.found.push_back({domain, std::move(records.front())});
            if (psd == Psd::No) {
                out.organization = domain;
                return out;
            }
            if (psd == Psd::Yes && domain != start) {
                out.organization = below(domain, start);
                return out;
            }
            if (psd == Psd::Yes) {
                break;
            }
        }
        out.organization = out.found.empty() ? start : out.found.back().domain;
        return out;
    }

    // One label more than `suffix` has, of `domain`, which ends in it.
    static std::string below(std::string_view suffix, std::string_view domain) {
        std::string_view out = domain;
        while (parent(out) != suffix) {
            out = parent(out);
        }
        return std::string(out);
    }

    // RFC 9989 §4.10.1: the author's own record, else the organization's, else the suffix's. One
    // between the author and the organization doesn't count.
    static const Walk::Found* policy_record(const Walk& author) {
        if (author.found.empty()) {
            return nullptr;
        }
        if (author.found.front().domain == author.start) {
            return &author.found.front();
        }
        const auto own = std::ranges::find(author.found, author.organization, &Walk::Found::domain);
        return own != author.found.end() ? &*own : &author.found.back();
    }

    void align(const Record& record, const std::string& organization) {
        bool temporary = false;
        for (const Identifier& identifier : identifiers_) {
            const bool strict =
                identifier.method == Method::Spf ? record.strict_spf : record.strict_dkim;
            bool aligned = identifier.domain == outcome_.author;
            if (!aligned && !strict) {
                const Walk walked = walk_from(identifier.domain);
                aligned = !walked.failed && walked.organization == organization;
                temporary = temporary || walked.failed;
            }
            if (!aligned) {
                continue;
            }
            if (identifier.status == Status::TempError) {
                temporary = true;
            } else {
                const char* method = identifier.method == Method::Spf ? "spf " : "dkim ";
                outcome_.aligned.push_back(method + identifier.domain);
            }
        }
        if (!outcome_.aligned.empty()) {
            outcome_.result = Result::Pass;
        } else if (temporary) {
            (void)error(Result::TempError, "an identifier could not be checked for now");
        } else {
            outcome_.result = Result::Fail;
        }
    }

    void set_policy(const Walk::Found& applied) {
        const Record& record = applied.record;
        outcome_.policy = record.policy;
        outcome_.testing = record.testing;
        if (applied.domain != outcome_.author) {
            outcome_.policy = record.subdomains.value_or(record.policy);
            if (record.nonexistent && *record.nonexistent != outcome_.policy) {
                const Answer* answer = ask(outcome_.author);
                if (answer != nullptr && answer->kind == Answer::Kind::NoSuchName) {
                    outcome_.policy = *record.nonexistent;
                }
            }
        }
        if (outcome_.result != Result::Fail) {
            return;
        }
        outcome_.disposition = outcome_.policy;
        if (record.testing) {  // RFC 9989 §4.7
            outcome_.disposition =
                outcome_.policy == Policy::Reject ? Policy::Quarantine : Policy::None;
        }
    }

    const Input& input_;
    const Answers& answers_;
    std::vector<Identifier> identifiers_;
    Outcome outcome_;
    Questions questions_;
};

}  // namespace

std::string_view name(Result result) {
    switch (result) {
        case Result::None:
            return "none";
        case Result::Pass:
            return "pass";
        case Result::Fail:
            return "fail";
        case Result::TempError:
            return "temperror";
        case Result::PermError:
            return "permerror";
    }
    return "none";
}

std::string author_domain(const std::vector<std::string>& from_domains) {
    std::string out;
    for (const std::string& domain : from_domains) {
        std::string key = to_lower(domain);
        if (key.empty() || (!out.empty() && key != out)) {
            return {};
        }
        out = std::move(key);
    }
    return out;
}

std::vector<std::string> walk(std::string_view domain) {
    std::vector<std::string> out;
    const auto labels = [](std::string_view name) { return std::ranges::count(name, '.') + 1; };
    out.emplace_back(domain);
    std::string_view next = parent(domain);
    while (!next.empty() && labels(next) > static_cast<std::ptrdiff_t>(kWalkLabels)) {
        next = parent(next);
    }
    for (; !next.empty(); next = parent(next)) {
        out.emplace_back(next);
    }
    return out;
}

Step check(const Input& input, const Answers& answers) {
    return Evaluation(input, answers).run();
}

}  // namespace sekisho::dmarc
