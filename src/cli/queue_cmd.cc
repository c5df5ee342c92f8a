// sekisho queue: asks the running mail server.
#include "cli/queue_cmd.h"

#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/queue_compact.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

std::string pending(const Json& entry) {
    constexpr int kShown = 3;
    std::string out;
    int more = 0;
    int shown = 0;
    for (const Json& recipient : entry.value("recipients", Json::array())) {
        if (recipient.value("state", "") != "pending") {
            continue;
        }
        if (shown++ < kShown) {
            out += (out.empty() ? "" : ", ") + recipient.value("address", "");
        } else {
            ++more;
        }
    }
    return more == 0 ? out : out + fmt::format(" and {} more", more);
}

std::string show_text(const Json& entry) {
    std::string out;
    for (const char* key :
         {"queue_id",
          "state",
          "grade",
          "hold_reason",
          "route",
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

std::string suspensions_text(const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : answer.value("suspensions", Json::array())) {
        rows.push_back(
            {one.value("of", ""),
             one.value("name", ""),
             one.value("since", ""),
             one.value("until", "resumed"),
             one.value("who", ""),
             one.value("reason", "")}
        );
    }
    return rows.empty() ? "nothing is suspended"
                        : table({"WHAT", "NAME", "SINCE", "UNTIL", "BY", "REASON"}, rows);
}

struct SuspendOptions {
    std::string account, domain, until, reason;
};

int suspend(const Context& context, const std::string& verb, const SuspendOptions& options) {
    Json request{{"command", "queue-" + verb}, {"who", operator_name()}};
    const auto put = [&request](const char* key, const std::string& value) {
        if (!value.empty()) {
            request[key] = value;
        }
    };
    put("account", options.account);
    put("domain", options.domain);
    put("reason", options.reason);
    if (!options.until.empty()) {
        // A span counts from now on, since the time is to come.
        if (const auto span = parse_duration(options.until)) {
            put("until", rfc3339(now() + *span));
        } else {
            put("until", options.until);
        }
    }
    return ask_mail(context, request, done_text);
}

void add_suspensions(CLI::App& queue, Context& context, Chosen& chosen) {
    auto options = std::make_shared<SuspendOptions>();
    for (const std::string verb : {"suspend", "resume"}) {
        auto* sub = queue.add_subcommand(
            verb,
            verb == "suspend"
                ? "Stop the mail of an account or to a domain, what comes later included"
                : "End a suspension and try what waited for it"
        );
        auto* of = sub->add_option_group("of");
        of->add_option("--account", options->account, "Login");
        of->add_option("--domain", options->domain, "Domain of recipients");
        of->require_option(1);
        if (verb == "suspend") {
            sub->add_option(
                "--until", options->until, "A time, or a span from now (2h); else until resumed"
            );
        }
        sub->add_option("--reason", options->reason, "Why; kept in the events");
        sub->callback([&context, &chosen, options, verb] {
            chosen = [&context, options, verb] { return suspend(context, verb, *options); };
        });
    }
    queue.add_subcommand("suspensions", "What is suspended, since when, by whom")
        ->callback([&context, &chosen] {
            chosen = [&context] {
                return ask_mail(context, Json{{"command", "queue-suspensions"}}, suspensions_text);
            };
        });
}

}  // namespace

std::string queue_table(const Json& entries) {
    if (entries.empty()) {
        return "no message";
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

void add_queue(CLI::App& app, Context& context, Chosen& chosen) {
    auto* queue = app.add_subcommand(
        "queue", "Queued messages: list, show, retry, hold, release, drop, suspend"
    );
    queue->require_subcommand(1);
    auto id = std::make_shared<std::string>();
    auto* show = queue->add_subcommand("show", "All about one message");
    show->add_option("queue-id", *id, "The queue id")->required();
    show->callback([&context, &chosen, id] {
        chosen = [&context, id] {
            const Json request{{"command", "queue-show"}, {"queue_id", *id}};
            return ask_mail(context, request, show_text);
        };
    });
    add_queue_selected(*queue, context, chosen);
    add_suspensions(*queue, context, chosen);
    add_spool_tools(*queue, context, chosen);
    add_queue_compact(*queue, context, chosen);
}

}  // namespace sekisho::cli
