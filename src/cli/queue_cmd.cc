// sekisho queue list|show|retry|hold|release|drop: asks the running mail server.
#include "cli/commands.h"
#include "cli/context.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string id;
    std::string reason;
    std::size_t limit = 100;
};

std::string pending(const Json& entry) {
    std::string out;
    for (const Json& recipient : entry.value("recipients", Json::array())) {
        if (recipient.value("state", "") == "pending") {
            out += (out.empty() ? "" : ", ") + recipient.value("address", "");
        }
    }
    return out;
}

std::string list_text(const Json& entries) {
    if (entries.empty()) {
        return "the queue is empty";
    }
    std::vector<std::vector<std::string>> rows;
    for (const Json& entry : entries) {
        rows.push_back(
            {entry.value("queue_id", ""),
             entry.value("state", ""),
             fmt::format("{}", entry.value("size", 0)),
             entry.value("accepted", ""),
             entry.value("due", ""),
             fmt::format("{}", entry.value("attempts", 0)),
             "<" + entry.value("sender", "") + ">",
             pending(entry)}
        );
    }
    return table(
        {"QUEUE-ID", "STATE", "BYTES", "ACCEPTED", "NEXT TRY", "TRIES", "SENDER", "TO"}, rows
    );
}

std::string show_text(const Json& entry) {
    std::string out;
    for (const char* key :
         {"queue_id",
          "state",
          "hold_reason",
          "sender",
          "account",
          "client",
          "message_id",
          "accepted",
          "due",
          "expires"}) {
        if (const std::string value = entry.value(key, ""); !value.empty()) {
            out += fmt::format("{:<12} {}\n", key, value);
        }
    }
    out += fmt::format(
        "{:<12} {}\n{:<12} {}\n",
        "size",
        entry.value("size", 0),
        "attempts",
        entry.value("attempts", 0)
    );
    for (const Json& recipient : entry.value("recipients", Json::array())) {
        out += fmt::format(
            "to           {} {} {}\n",
            recipient.value("address", ""),
            recipient.value("state", ""),
            recipient.value("last_reply", "")
        );
    }
    return out;
}

int command(const Context& context, const Json& request, std::string (*text)(const Json&)) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto answer = ask(*config, "mail", request);
    if (!answer) {
        return report(context, answer.error());
    }
    const Json result = answer->contains("messages") ? answer->at("messages") : *answer;
    print(context, result, text(result));
    return kDone;
}

std::string done_text(const Json& answer) {
    return answer.value("text", "done");
}

}  // namespace

void add_queue(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* queue =
        app.add_subcommand("queue", "Queued messages: list, show, retry, hold, release, drop");
    queue->require_subcommand(1);
    auto* list = queue->add_subcommand("list", "The queued messages, next to be tried first");
    list->add_option("--limit", options->limit, "Rows at the most")->check(CLI::Range(1, 1000000));
    list->callback([&context, &chosen, options] {
        chosen = [&context, options] {
            return command(
                context, Json{{"command", "queue-list"}, {"limit", options->limit}}, list_text
            );
        };
    });
    struct One {
        const char* name;
        const char* help;
    };
    for (const One& one :
         {One{"show", "All about one message"},
          One{"retry", "Try it now"},
          One{"hold", "Keep it; no more tries until released"},
          One{"release", "End a hold and try it now"},
          One{"drop", "Remove it without notice to its sender"}}) {
        auto* sub = queue->add_subcommand(one.name, one.help);
        sub->add_option("queue-id", options->id, "The queue id")->required();
        const std::string verb = one.name;
        if (verb == "hold") {
            sub->add_option("--reason", options->reason, "Why; shown with the message");
        }
        sub->callback([&context, &chosen, options, verb] {
            chosen = [&context, options, verb] {
                const Json request{
                    {"command", "queue-" + verb},
                    {"queue_id", options->id},
                    {"reason", options->reason}
                };
                return command(context, request, verb == "show" ? show_text : done_text);
            };
        });
    }
}

}  // namespace sekisho::cli
