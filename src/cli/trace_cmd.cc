// sekisho trace: where a message is, or the messages of an account, a sender, a recipient, a line:
// every step, the other side's answer, what it means, and when the next try is.
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/event_text.h"
#include "desk/trace.h"
#include "event/event.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string subject;
    std::string account, line, sender, recipient, client, since, until;
    std::size_t limit = 20;
};

std::optional<std::string> given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

// The ways to read what was given; the first that finds something counts.
Result<std::vector<event::Query>> queries(const Options& options) {
    event::Query base;
    base.account = given(options.account);
    base.line = given(options.line);
    base.sender = given(options.sender);
    base.recipient = given(options.recipient);
    base.address = given(options.client);
    for (const auto& [text, place] :
         {std::pair{&options.since, &base.since}, std::pair{&options.until, &base.until}}) {
        if (text->empty()) {
            continue;
        }
        const auto when = parse_when(*text);
        if (!when) {
            return fail(when.error());
        }
        *place = *when;
    }
    const std::string& subject = options.subject;
    if (subject.empty()) {
        if (!base.account && !base.line && !base.sender && !base.recipient && !base.address) {
            return fail(
                Errc::Invalid,
                "give a Message-ID, a queue id, a reference, or --account, --sender, --recipient, "
                "--line or --client"
            );
        }
        if (base.sender && !base.since) {
            constexpr std::chrono::hours kSenderSpan{48};
            base.since = now() - kSenderSpan;
        }
        base.kinds = {
            event::Kind::Accepted,
            event::Kind::Refused,
            event::Kind::Delivered,
            event::Kind::Deferred,
            event::Kind::Bounced,
            event::Kind::Expired
        };
        return std::vector{base};
    }
    std::vector<event::Query> ways(2, base);
    if (subject.starts_with('<') || subject.find('@') != std::string::npos) {
        ways.pop_back();
        ways[0].message_id = subject.starts_with('<') ? subject : "<" + subject + ">";
    } else {
        ways[0].queue_id = subject;
        ways[1].reference = subject;
    }
    return ways;
}

std::string member(const desk::Json& object, const char* name) {
    return object.value(name, std::string());
}

void line(std::string& out, const char* name, const std::string& value) {
    if (!value.empty()) {
        out += fmt::format("  {:<11} {}\n", name, value);
    }
}

std::string message_text(const desk::Json& message) {
    std::string out =
        fmt::format("{}: {}\n", member(message, "queue_id"), member(message, "state"));
    line(out, "from", "<" + member(message, "sender") + ">");
    line(out, "account", member(message, "account"));
    line(out, "client", member(message, "client"));
    line(out, "line", member(message, "line"));
    line(out, "message-id", member(message, "message_id"));
    line(out, "accepted", member(message, "accepted"));
    for (const desk::Json& to : message.at("recipients")) {
        out += fmt::format("  to {}: {}", member(to, "address"), member(to, "state"));
        if (const int tries = to.value("tries", 0); tries > 0) {
            out += fmt::format(", {} {}", tries, tries == 1 ? "try" : "tries");
        }
        out += "\n";
        line(out, "  reply", member(to, "reply"));
        line(out, "  that is", member(to, "cause"));
        line(out, "  next try", member(to, "next_try"));
    }
    std::vector<std::vector<std::string>> rows;
    for (const desk::Json& event : message.at("events")) {
        rows.push_back(
            {"  " + member(event, "at"),
             member(event, "kind"),
             member(event, "recipient"),
             member(event, "detail")}
        );
    }
    return out + table({"  TIME", "EVENT", "RECIPIENT", "DETAIL"}, rows) + "\n";
}

int trace(const Context& context, const Options& options) {
    const auto ways = queries(options);
    if (!ways) {
        return report(context, ways.error());
    }
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    for (const event::Query& query : *ways) {
        const auto found = desk::trace_messages((*store)->journal(), query, options.limit);
        if (!found) {
            return report(context, found.error());
        }
        if (found->messages.empty() && found->loose.empty()) {
            continue;
        }
        std::string text;
        for (const desk::Json& message : found->messages) {
            text += message_text(message) + "\n";
        }
        Json loose = Json::array();
        for (const event::Event& event : found->loose) {
            loose.push_back(event_json(event));
        }
        text += loose.empty() ? "" : event_table(found->loose);
        text += found->cut ? "\nthere are more: narrow it down, or --limit" : "";
        const Json answer{
            {"messages", Json::parse(found->messages.dump())},
            {"events", std::move(loose)},
            {"cut", found->cut}
        };
        print(context, answer, text);
        return kDone;
    }
    return report(context, Error{Errc::NotFound, "nothing is recorded about that"});
}

}  // namespace

void add_trace(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* tracing =
        app.add_subcommand("trace", "Where a message is: its steps, the answers, the next try");
    tracing->add_option("id", options->subject, "Message-ID, queue id or reference number");
    tracing->add_option("--account", options->account, "Messages of this login");
    tracing->add_option("--line", options->line, "Messages of this subscriber's line");
    tracing->add_option(
        "--sender", options->sender, "With this reverse-path; of the last two days without --since"
    );
    tracing->add_option("--recipient", options->recipient, "To this address");
    tracing->add_option("--client", options->client, "From this address");
    tracing->add_option("--since", options->since, "A time, or a span back from now (2h)");
    tracing->add_option("--until", options->until, "A time, or a span back from now");
    tracing->add_option("--limit", options->limit, "Messages at the most")
        ->check(CLI::Range(1, 1000));
    tracing->callback([&context, &chosen, options] {
        chosen = [&context, options] { return trace(context, *options); };
    });
}

}  // namespace sekisho::cli
