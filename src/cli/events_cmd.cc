// sekisho events: what the one memory knows. What support looks up.
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/event_text.h"
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
};

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
        rows.push_back(event_json(e));
    }
    print(context, rows, event_table(*events));
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
        const auto when = parse_when(*text);
        if (!when) {
            return fail(when.error());
        }
        *place = *when;
    }
    return query;
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
}

}  // namespace sekisho::cli
