#include "milter/chain.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "milter/changes.h"
#include "milter/dialogue.h"
#include "milter/link.h"
#include "milter/milter.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::milter {
namespace {

using Kind = Answer::Kind;

smtp::Reply refused() {
    return smtp::reply(550, "5.7.1", "Refused by a mail filter");
}
// Never 451 or 452 to RCPT: Thunderbird takes those for "too many recipients".
smtp::Reply later() {
    return smtp::reply(450, "4.7.1", "A mail filter can't take this now, try again later");
}

// What is done about a milter that is away.
Verdict without(Link& link, const Error& error) {
    Milter& milter = link.milter();
    const std::string& away = milter.config().away;
    ++milter.counters().away;
    link.lose();
    log::warning("MILTER_AWAY", error.message, {{"milter", milter.config().name}, {"done", away}});
    Verdict out;
    out.milter = milter.config().name;
    out.away = true;
    if (away != "accept") {
        out.kind = Verdict::Kind::Refuse;
        out.reply = away == "reject" ? refused() : later();
    }
    return out;
}

Verdict verdict_of(Link& link, const Result<Answer>& answer) {
    if (!answer) {
        return without(link, answer.error());
    }
    Counters& counters = link.milter().counters();
    Verdict out;
    out.milter = link.milter().config().name;
    out.closes = answer->closes;
    switch (answer->kind) {
        case Kind::Continue:
            break;
        case Kind::Accept:
            ++counters.accepted;
            break;
        case Kind::Discard:
            ++counters.discarded;
            out.kind = Verdict::Kind::Discard;
            break;
        case Kind::Reject:
            ++counters.rejected;
            out.kind = Verdict::Kind::Refuse;
            out.reply = answer->reply.value_or(refused());
            break;
        case Kind::TempFail:
            ++counters.tempfailed;
            out.kind = Verdict::Kind::Refuse;
            out.reply = answer->reply.value_or(later());
            break;
    }
    return out;
}

bool marks_spam(const config::Milter& config, const FieldChange& change) {
    return std::ranges::any_of(config.spam_fields, [&change](const std::string& mark) {
        const std::size_t colon = mark.find(':');
        const std::string_view value = trim(std::string_view(mark).substr(colon + 1));
        const std::string_view said = trim(change.value);
        return iequals(trim(std::string_view(mark).substr(0, colon)), change.name) &&
               iequals(said.substr(0, value.size()), value);
    });
}

// What the milter asked for at the end of the message is done.
void carry_out(Link& link, Content& content, Judged& judged) {
    Changes changes = link.take_changes();
    Counters& counters = link.milter().counters();
    const config::Milter& config = link.milter().config();
    if (changes.of_content()) {
        content.message = apply(content.message, changes, link.leading_space(), content.binary);
        ++counters.changed;
        judged.changed.push_back(config.name);
    }
    for (const FieldChange& change : changes.fields) {
        if (marks_spam(config, change) && judged.spam.empty()) {
            judged.spam = config.name + ": " + change.name + ": " + printable(change.value, 80);
        }
    }
    if (changes.quarantine) {
        ++counters.quarantined;
        judged.hold = "milter " + config.name + ": " + printable(*changes.quarantine);
        if (judged.spam.empty() && config.spam_verdicts) {
            judged.spam = config.name + ": held: " + printable(*changes.quarantine, 80);
        }
    }
    if (changes.sender || !changes.added.empty() || !changes.removed.empty()) {
        judged.envelope.push_back(
            {config.name,
             std::move(changes.sender),
             std::move(changes.added),
             std::move(changes.removed)}
        );
    }
}

}  // namespace

Chain::Chain(
    const std::vector<std::shared_ptr<Milter>>& milters,
    net::Executor executor,
    std::size_t message_size_max
) {
    for (const auto& milter : milters) {
        links_.push_back(std::make_unique<Link>(milter, executor, message_size_max));
    }
}

Chain::~Chain() = default;

net::Task<Verdict> Chain::mail(std::shared_ptr<const Told> told) {
    for (const auto& link : links_) {
        link->leave_out();
    }
    for (const auto& link : links_) {
        const auto answer = co_await link->begin(told);
        Verdict verdict = verdict_of(*link, answer);
        if (verdict.kind != Verdict::Kind::Pass) {
            co_return verdict;
        }
    }
    co_return Verdict{};
}

net::Task<Verdict> Chain::rcpt(
    std::string path, std::vector<std::string> parameters, std::shared_ptr<const Macros> macros
) {
    for (const auto& link : links_) {
        if (!link->takes_part()) {
            continue;
        }
        const auto answer = co_await link->rcpt(path, parameters, macros);
        Verdict verdict = verdict_of(*link, answer);
        if (verdict.kind != Verdict::Kind::Pass) {
            co_return verdict;
        }
    }
    co_return Verdict{};
}

net::Task<Judged> Chain::message(std::shared_ptr<Content> content) {
    Judged out;
    for (const auto& link : links_) {
        if (!link->takes_part()) {
            continue;
        }
        Counters& counters = link->milter().counters();
        ++counters.messages;
        const auto answer = co_await link->content(content);
        out.verdict = verdict_of(*link, answer);
        if (answer && answer->kind == Kind::Continue) {
            ++counters.passed;
        }
        if (out.verdict.kind != Verdict::Kind::Pass) {
            const bool word =
                !out.verdict.away && link->milter().config().spam_verdicts &&
                (out.verdict.kind == Verdict::Kind::Discard || out.verdict.reply.permanent());
            if (word) {
                ++counters.spam;
                out.spam = out.verdict.milter + ": " +
                           (out.verdict.kind == Verdict::Kind::Discard ? "discarded"
                                                                       : out.verdict.reply.text());
            }
            break;
        }
        const bool known = !out.spam.empty();
        if (answer) {
            carry_out(*link, *content, out);
        }
        counters.spam += !known && !out.spam.empty() ? 1 : 0;
    }
    out.message = std::move(content->message);
    co_return out;
}

void Chain::client_changed() {
    for (const auto& link : links_) {
        link->client_changed();
    }
}

net::Task<void> Chain::end() {
    for (const auto& link : links_) {
        co_await link->end();
    }
}

}  // namespace sekisho::milter
