// sekisho events, trace: what the one memory knows. What support looks up.
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "event/event.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string address, line, account, queue_id, message_id, recipient, reference, since, until;
    std::vector<std::string> kinds;
    std::size_t limit = 100;
    std::string subject;  // trace: what to follow
};

Json to_json(const event::Event& e) {
    Json out{{"id", e.id}, {"at", rfc3339(e.at)}, {"kind", event::name(e.kind)}};
    const auto put = [&out](const char* key, const std::string& value) {
        if (!value.empty()) {
            out[key] = value;
        }
    };
    put("address", e.address);
    put("line", e.line);
    put("account", e.account);
    put("queue_id", e.queue_id);
    put("message_id", e.message_id);
    put("sender", e.sender);
    put("recipient", e.recipient);
    put("rule", e.rule);
    out["count"] = e.count;
    put("detail", e.detail);
    put("reference", e.reference);
    return out;
}

std::string to_text(const std::vector<event::Event>& events) {
    if (events.empty()) {
        return "nothing found";
    }
    std::vector<std::vector<std::string>> rows;
    for (const event::Event& e : events) {
        std::string who = e.line.empty() ? e.account : e.line;
        who += who.empty() || e.address.empty() ? e.address : " " + e.address;
        std::string what = e.queue_id;
        if (!e.recipient.empty()) {
            what += (what.empty() ? "to " : " to ") + e.recipient;
        }
        if (!e.rule.empty()) {
            what += (what.empty() ? "" : " ") + ("rule " + e.rule);
        }
        rows.push_back(
            {rfc3339(e.at),
             std::string(event::name(e.kind)),
             who,
             what,
             e.count > 1 ? fmt::format("x{}", e.count) : "",
             e.detail}
        );
    }
    return table({"TIME", "EVENT", "WHO", "WHAT", "", "DETAIL"}, rows);
}

Result<std::vector<event::Event>> find(
    const Context& context, const event::Query& query, int& exit
) {
    const auto config = load_config(context);
    if (!config) {
        exit = config.error();
        return fail(Errc::Invalid, "");
    }
    auto store = store::open_store(config->database());
    if (!store) {
        return fail(store.error());
    }
    return (*store)->journal().find(query);
}

int show(const Context& context, const event::Query& query) {
    int exit = kDone;
    const auto events = find(context, query, exit);
    if (exit != kDone) {
        return exit;
    }
    if (!events) {
        return report(context, events.error());
    }
    Json rows = Json::array();
    for (const event::Event& e : *events) {
        rows.push_back(to_json(e));
    }
    print(context, rows, to_text(*events));
    return kDone;
}

std::optional<std::string> given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

Result<event::Query> to_query(const Options& options) {
    event::Query query;
    query.address = given(options.address);
    query.line = given(options.line);
    query.account = given(options.account);
    query.queue_id = given(options.queue_id);
    query.message_id = given(options.message_id);
    query.recipient = given(options.recipient);
    query.reference = given(options.reference);
    query.limit = options.limit;
    for (const std::string& text : options.kinds) {
        const auto kind = event::parse_kind(text);
        if (!kind) {
            return fail(Errc::Invalid, "there is no kind of event \"" + text + "\"");
        }
        query.kinds.push_back(*kind);
    }
    for (const auto& [text, place] :
         {std::pair{&options.since, &query.since}, std::pair{&options.until, &query.until}}) {
        if (text->empty()) {
            continue;
        }
        if (const auto ago = parse_duration(*text)) {
            *place = now() - *ago;
        } else if (const auto at = parse_rfc3339(*text)) {
            *place = *at;
        } else {
            return fail(
                Errc::Invalid,
                "\"" + *text +
                    "\" is neither a time (2026-11-24T13:00:00Z) nor a span back from now (2h)"
            );
        }
    }
    return query;
}

// Follows a message by its Message-ID, queue id or a subscriber's reference number.
int trace(const Context& context, const std::string& subject) {
    event::Query query;
    query.limit = 1000;
    query.newest_first = false;
    if (subject.starts_with('<') || subject.find('@') != std::string::npos) {
        query.message_id = subject.starts_with('<') ? subject : "<" + subject + ">";
    } else {
        query.queue_id = subject;
    }
    int exit = kDone;
    auto events = find(context, query, exit);
    if (exit == kDone && events && events->empty() && query.queue_id) {
        query.queue_id.reset();
        query.reference = subject;
        events = find(context, query, exit);
    }
    if (exit != kDone) {
        return exit;
    }
    if (!events) {
        return report(context, events.error());
    }
    if (events->empty()) {
        return report(context, Error{Errc::NotFound, "no message is known by \"" + subject + "\""});
    }
    Json rows = Json::array();
    for (const event::Event& e : *events) {
        rows.push_back(to_json(e));
    }
    print(context, rows, to_text(*events));
    return kDone;
}

}  // namespace

void add_events(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* events =
        app.add_subcommand("events", "What happened to a line, an address, an account, a message");
    events->add_option("--address", options->address, "Client address");
    events->add_option("--line", options->line, "Subscriber's line");
    events->add_option("--account", options->account, "Login");
    events->add_option("--queue-id", options->queue_id, "Queue id");
    events->add_option("--message-id", options->message_id, "Message-ID with its angle brackets");
    events->add_option("--recipient", options->recipient, "Forward-path");
    events->add_option(
        "--reference", options->reference, "The number that was told to the subscriber"
    );
    events->add_option("--kind", options->kinds, "gate-blocked, login-refused, delivered, ...");
    events->add_option("--since", options->since, "A time, or a span back from now (2h)");
    events->add_option("--until", options->until, "A time, or a span back from now");
    events->add_option("--limit", options->limit, "Rows at the most")->check(CLI::Range(1, 100000));
    events->callback([&context, &chosen, options] {
        chosen = [&context, options] {
            const auto query = to_query(*options);
            return query ? show(context, *query) : report(context, query.error());
        };
    });

    auto* tracing = app.add_subcommand(
        "trace", "Follow a message: by Message-ID, queue id or reference number"
    );
    tracing->add_option("id", options->subject, "Message-ID, queue id or reference number")
        ->required();
    tracing->callback([&context, &chosen, options] {
        chosen = [&context, options] { return trace(context, options->subject); };
    });
}

}  // namespace sekisho::cli
