#include "spf/check.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "spf/domain.h"
#include "spf/macro.h"
#include "spf/record.h"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::spf {
namespace {

// RFC 7208 §4.6.4
constexpr int kTermsMax = 10;
constexpr int kVoidMax = 2;
constexpr std::size_t kNamesMax = 10;
constexpr std::size_t kExplanationMax = 300;  // it ends up in an SMTP reply

// Why an evaluation goes no further: answers are missing, or an error is the result.
struct Stop {
    bool ask = false;
    Code result = Code::PermError;
    std::string problem;
};
template <class T>
using Flow = std::expected<T, Stop>;

std::unexpected<Stop> ask_first() {
    return std::unexpected(Stop{.ask = true});
}
std::unexpected<Stop> permerror(std::string problem) {
    return std::unexpected(Stop{.result = Code::PermError, .problem = std::move(problem)});
}
std::unexpected<Stop> temperror(const std::string& name) {
    return std::unexpected(
        Stop{.result = Code::TempError, .problem = "no answer for " + printable(name)}
    );
}

bool ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

Code result_of(Qualifier qualifier) {
    switch (qualifier) {
        case Qualifier::Pass:
            return Code::Pass;
        case Qualifier::Fail:
            return Code::Fail;
        case Qualifier::SoftFail:
            return Code::SoftFail;
        case Qualifier::Neutral:
            return Code::Neutral;
    }
    return Code::Neutral;
}

// What a record says; `record` is the one that decided, `domain` its own.
struct Verdict {
    Code result = Code::None;
    std::string mechanism;
    std::string domain;
    std::optional<MacroString> explanation;
};

class Evaluation {
  public:
    Evaluation(const Query& query, const Answers& answers) : query_(query), answers_(answers) {
        values_.client = query.client;
        values_.helo = query.helo;
        values_.receiver = query.receiver;
        values_.seconds = query.seconds;
        values_.local = query.sender_local.empty() ? "postmaster" : query.sender_local;
        values_.sender_domain = query.sender_domain.empty() ? query.helo : query.sender_domain;
    }

    Step run() {
        Outcome outcome;
        outcome.identity = query_.sender_domain.empty() ? Identity::Helo : Identity::MailFrom;
        outcome.domain = host_key(values_.sender_domain);
        Flow<Verdict> verdict = check_host(outcome.domain);
        if (!verdict) {
            if (verdict.error().ask) {
                return std::move(questions_);
            }
            outcome.result = verdict.error().result;
            outcome.problem = std::move(verdict.error().problem);
            return outcome;
        }
        outcome.result = verdict->result;
        outcome.mechanism = std::move(verdict->mechanism);
        if (verdict->result == Code::Fail && verdict->explanation) {
            auto explanation = explain(*verdict->explanation, verdict->domain);
            if (!explanation) {
                return std::move(questions_);
            }
            outcome.explanation = std::move(*explanation);
        }
        return outcome;
    }

  private:
    Flow<const Answer*> ask(RecordType type, const std::string& name) {
        static const Answer nothing;
        if (type != RecordType::Ptr && !is_dns_name(name)) {
            return &nothing;
        }
        Question question{type, name};
        const auto found = answers_.find(question);
        if (found != answers_.end()) {
            return &found->second;
        }
        if (std::ranges::find(questions_, question) == questions_.end()) {
            questions_.push_back(std::move(question));
        }
        return ask_first();
    }

    [[nodiscard]] RecordType address_type() const {
        return query_.client.is_v4() ? RecordType::A : RecordType::Aaaa;
    }

    // The addresses of several names, asked for at once. One whose look-up failed is a null.
    Flow<std::vector<const Answer*>> ask_addresses(const std::vector<std::string>& names) {
        std::vector<const Answer*> all;
        bool missing = false;
        for (const std::string& name : names) {
            const Flow<const Answer*> one = ask(address_type(), host_key(name));
            missing = missing || !one;
            const bool failed = one && (*one)->kind == Answer::Kind::Failed;
            all.push_back(one && !failed ? *one : nullptr);
        }
        if (missing) {
            return ask_first();
        }
        return all;
    }

    // The question that a term asks. Counts it (RFC 7208 §4.6.4), and when nothing came, that too;
    // what an MX or PTR leads to is not the publisher's term, and doesn't count.
    Flow<const Answer*> ask_term(RecordType type, const std::string& name) {
        const Flow<const Answer*> answer = ask(type, name);
        if (!answer) {
            return answer;
        }
        if ((*answer)->kind == Answer::Kind::Known && (*answer)->texts.empty() &&
            (*answer)->addresses.empty() && ++voids_ > kVoidMax) {
            return permerror("more than 2 look-ups that found nothing");
        }
        return answer;
    }

    Flow<void> count_term() {
        if (++terms_ > kTermsMax) {
            return permerror("more than 10 terms that look up the DNS");
        }
        return {};
    }

    // The names of the client that lead back to it (RFC 7208 §5.5). One look-up for all uses.
    Flow<std::vector<std::string>> validated_names() {
        const Flow<const Answer*> pointers = ask(RecordType::Ptr, "");
        if (!pointers) {
            return ask_first();
        }
        std::vector<std::string> names;
        if ((*pointers)->kind == Answer::Kind::Failed) {
            return names;
        }
        std::vector<std::string> candidates = (*pointers)->texts;
        candidates.resize(std::min(candidates.size(), kNamesMax));
        const auto back = ask_addresses(candidates);
        if (!back) {
            return ask_first();
        }
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const Answer* answer = (*back)[i];
            if (answer != nullptr &&
                std::ranges::find(answer->addresses, query_.client) != answer->addresses.end()) {
                names.push_back(host_key(candidates[i]));
            }
        }
        return names;
    }

    // %{p} (RFC 7208 §7.3): the domain itself, else a name below it, else any.
    Flow<void> set_validated(const MacroString& text, const std::string& domain) {
        if (!uses(text, "p")) {
            return {};
        }
        const auto names = validated_names();
        if (!names) {
            return ask_first();
        }
        values_.validated = names->empty() ? "" : names->front();
        for (const std::string& name : *names) {
            if (below(name, domain)) {
                values_.validated = name;
            }
        }
        if (std::ranges::find(*names, domain) != names->end()) {
            values_.validated = domain;
        }
        return {};
    }

    // RFC 8616 §4: a local part that isn't ASCII can't be in a name, so its term matches nothing.
    [[nodiscard]] bool unusable(const std::optional<MacroString>& text) const {
        return text && uses(*text, "ls") && !ascii(values_.local);
    }

    // The domain that a term is about.
    Flow<std::string> target(const std::optional<MacroString>& text, const std::string& domain) {
        if (!text) {
            return domain;
        }
        if (Flow<void> set = set_validated(*text, domain); !set) {
            return std::unexpected(set.error());
        }
        values_.domain = domain;
        return expand_domain(*text, values_);
    }

    Flow<Verdict> check_host(std::string domain) {
        Verdict verdict;
        verdict.domain = domain;
        if (!may_have_policy(domain)) {
            return verdict;
        }
        const Flow<const Answer*> answer = ask(RecordType::Txt, domain);
        if (!answer) {
            return std::unexpected(answer.error());
        }
        if ((*answer)->kind == Answer::Kind::Failed) {
            return temperror(domain);
        }
        std::vector<std::string> records;
        std::ranges::copy_if((*answer)->texts, std::back_inserter(records), is_record);
        if (records.empty()) {
            return verdict;
        }
        if (records.size() > 1) {
            return permerror(domain + " has " + std::to_string(records.size()) + " SPF records");
        }
        const auto record = parse_record(records.front());
        if (!record) {
            return permerror(domain + ": " + record.error().message);
        }
        return evaluate(*record, domain);
    }

    Flow<Verdict> evaluate(const Record& record, const std::string& domain) {
        for (const Mechanism& mechanism : record.mechanisms) {
            const Flow<bool> matched = matches(mechanism, domain);
            if (!matched) {
                return std::unexpected(matched.error());
            }
            if (*matched) {
                return Verdict{
                    result_of(mechanism.qualifier), mechanism.text, domain, record.explanation
                };
            }
        }
        if (!record.redirect || unusable(record.redirect)) {
            return Verdict{Code::Neutral, "default", domain, {}};
        }
        return redirected(*record.redirect, domain);
    }

    // RFC 7208 §6.1
    Flow<Verdict> redirected(const MacroString& redirect, const std::string& domain) {
        if (Flow<void> counted = count_term(); !counted) {
            return std::unexpected(counted.error());
        }
        const Flow<std::string> to = target(redirect, domain);
        if (!to) {
            return std::unexpected(to.error());
        }
        Flow<Verdict> verdict = check_host(*to);
        if (verdict && verdict->result == Code::None) {
            return permerror("redirect=" + printable(*to) + " leads to no SPF record");
        }
        return verdict;
    }

    Flow<bool> matches(const Mechanism& mechanism, const std::string& domain) {
        switch (mechanism.kind) {
            case MechanismKind::All:
                return true;
            case MechanismKind::Ip4:
            case MechanismKind::Ip6:
                return mechanism.network && mechanism.network->contains(query_.client);
            default:
                break;
        }
        if (Flow<void> counted = count_term(); !counted) {
            return std::unexpected(counted.error());
        }
        if (unusable(mechanism.domain)) {
            return false;
        }
        const Flow<std::string> to = target(mechanism.domain, domain);
        if (!to) {
            return std::unexpected(to.error());
        }
        switch (mechanism.kind) {
            case MechanismKind::Include:
                return included(*to);
            case MechanismKind::A:
                return address_of(*to, mechanism);
            case MechanismKind::Mx:
                return exchange_of(*to, mechanism);
            case MechanismKind::Ptr:
                return pointed(*to);
            default:
                return exists(*to);
        }
    }

    // RFC 7208 §5.2
    Flow<bool> included(const std::string& domain) {
        const Flow<Verdict> verdict = check_host(domain);
        if (!verdict) {
            return std::unexpected(verdict.error());
        }
        if (verdict->result == Code::None) {
            return permerror("include:" + printable(domain) + " leads to no SPF record");
        }
        return verdict->result == Code::Pass;
    }

    [[nodiscard]] bool in_reach(const Answer& answer, const Mechanism& mechanism) const {
        const int length = query_.client.is_v4() ? mechanism.length4 : mechanism.length6;
        return std::ranges::any_of(answer.addresses, [this, length](const IpAddress& each) {
            return each.is_v4() == query_.client.is_v4() &&
                   Prefix(each, length).contains(query_.client);
        });
    }

    // RFC 7208 §5.3
    Flow<bool> address_of(const std::string& name, const Mechanism& mechanism) {
        const Flow<const Answer*> answer = ask_term(address_type(), name);
        if (!answer) {
            return std::unexpected(answer.error());
        }
        if ((*answer)->kind == Answer::Kind::Failed) {
            return temperror(name);
        }
        return in_reach(**answer, mechanism);
    }

    // RFC 7208 §5.4. No MX record is no match: the name itself is not its own MX here.
    Flow<bool> exchange_of(const std::string& name, const Mechanism& mechanism) {
        const Flow<const Answer*> hosts = ask_term(RecordType::Mx, name);
        if (!hosts) {
            return std::unexpected(hosts.error());
        }
        if ((*hosts)->kind == Answer::Kind::Failed) {
            return temperror(name);
        }
        if ((*hosts)->texts.size() > kNamesMax) {
            return permerror(printable(name) + " has more than 10 MX records");
        }
        const auto answers = ask_addresses((*hosts)->texts);
        if (!answers) {
            return std::unexpected(answers.error());
        }
        for (std::size_t i = 0; i < answers->size(); ++i) {
            const Answer* answer = (*answers)[i];
            if (answer == nullptr) {
                return temperror((*hosts)->texts[i]);
            }
            if (in_reach(*answer, mechanism)) {
                return true;
            }
        }
        return false;
    }

    // RFC 7208 §5.5. An error of the DNS is no match.
    Flow<bool> pointed(const std::string& domain) {
        if (const Flow<const Answer*> counted = ask_term(RecordType::Ptr, ""); !counted) {
            return std::unexpected(counted.error());
        }
        const auto names = validated_names();
        if (!names) {
            return std::unexpected(names.error());
        }
        return std::ranges::any_of(*names, [&domain](const std::string& each) {
            return below(each, domain);
        });
    }

    // RFC 7208 §5.7: A records also for a client with IPv6.
    Flow<bool> exists(const std::string& name) {
        const Flow<const Answer*> answer = ask_term(RecordType::A, name);
        if (!answer) {
            return std::unexpected(answer.error());
        }
        if ((*answer)->kind == Answer::Kind::Failed) {
            return temperror(name);
        }
        return !(*answer)->addresses.empty();
    }

    // RFC 7208 §6.2: whatever is wrong with it, there is no explanation then. An error: answers are
    // missing.
    Flow<std::string> explain(const MacroString& where, const std::string& domain) {
        if (unusable(where)) {
            return std::string();
        }
        const Flow<std::string> name = target(where, domain);
        if (!name) {
            return std::unexpected(name.error());
        }
        const Flow<const Answer*> answer = ask(RecordType::Txt, *name);
        if (!answer) {
            return std::unexpected(answer.error());
        }
        if ((*answer)->kind == Answer::Kind::Failed || (*answer)->texts.size() != 1) {
            return std::string();
        }
        const auto text = parse_macro_string((*answer)->texts.front(), MacroPlace::Explanation);
        if (!text) {
            return std::string();
        }
        if (Flow<void> set = set_validated(*text, domain); !set) {
            return std::unexpected(set.error());
        }
        values_.domain = domain;
        const std::string expanded = expand(*text, values_);
        return ascii(expanded) ? printable(expanded, kExplanationMax) : std::string();
    }

    const Query& query_;
    const Answers& answers_;
    MacroValues values_;
    Questions questions_;
    int terms_ = 0;
    int voids_ = 0;
};

}  // namespace

std::string_view name(Code result) {
    switch (result) {
        case Code::None:
            return "none";
        case Code::Neutral:
            return "neutral";
        case Code::Pass:
            return "pass";
        case Code::Fail:
            return "fail";
        case Code::SoftFail:
            return "softfail";
        case Code::TempError:
            return "temperror";
        case Code::PermError:
            return "permerror";
    }
    return "none";
}

Step check(const Query& query, const Answers& answers) {
    return Evaluation(query, answers).run();
}

}  // namespace sekisho::spf
