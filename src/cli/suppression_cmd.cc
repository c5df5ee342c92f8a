// sekisho suppression list|add|remove: on the store, whether the mail role runs or not.
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "event/event.h"
#include "queue/suppression.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

using queue::Suppressed;
using Work = std::function<int(store::Store&)>;

int with_store(const Context& context, const Work& work) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    const int code = work(**store);
    static_cast<void>((*store)->journal().flush());
    return code;
}

Json to_json(const Suppressed& one) {
    Json row{
        {"recipient", one.recipient},
        {"since", rfc3339(one.since)},
        {"by", one.who.empty() ? "bounces" : one.who},
        {"why", one.why},
        {"bounces", one.bounces},
    };
    if (one.until) {
        row["until"] = rfc3339(*one.until);
    }
    return row;
}

int list(const Context& context, store::Store& store) {
    const auto found = store.suppression().list(now());
    if (!found) {
        return report(context, found.error());
    }
    Json rows = Json::array();
    std::vector<std::vector<std::string>> lines;
    for (const Suppressed& one : *found) {
        Json row = to_json(one);
        lines.push_back(
            {row.value("recipient", ""),
             row.value("since", ""),
             row.value("until", "removed"),
             row.value("by", ""),
             row.value("why", "")}
        );
        rows.push_back(std::move(row));
    }
    print(
        context,
        Json{{"suppressed", std::move(rows)}},
        lines.empty() ? "nobody is refused"
                      : table({"RECIPIENT", "SINCE", "UNTIL", "BY", "WHY"}, lines)
    );
    return kDone;
}

void journal(store::Store& store, const std::string& recipient, const std::string& detail) {
    event::Event row;
    row.at = now();
    row.kind = event::Kind::SuppressionChanged;
    row.recipient = recipient;
    row.rule = "suppression";
    row.detail = printable(detail, 1000);
    store.journal().append(std::move(row));
}

struct AddOptions {
    std::string recipient, until, reason;
};

int add(const Context& context, const AddOptions& options, store::Store& store) {
    Suppressed one;
    one.recipient = to_lower(options.recipient);
    const std::size_t at = one.recipient.rfind('@');
    if (at == std::string::npos || at == 0 || at + 1 == one.recipient.size() ||
        printable(one.recipient, 320) != one.recipient) {
        return report(context, Error{Errc::Invalid, "\"" + options.recipient + "\" is no address"});
    }
    one.since = now();
    one.who = operator_name();
    one.why = printable(options.reason, 500);
    if (!options.until.empty()) {
        // A span counts from now on, since the time is to come.
        const auto span = parse_duration(options.until);
        one.until = span ? std::optional(one.since + *span) : parse_rfc3339(options.until);
        if (!one.until || *one.until <= one.since) {
            return report(
                context, Error{Errc::Invalid, "--until is a time to come, or a span (30d)"}
            );
        }
    }
    if (const Status added = store.suppression().add(one); !added) {
        return report(context, added.error());
    }
    std::string detail = "refused from now on by " + one.who;
    detail += one.until ? " until " + rfc3339(*one.until) : "";
    detail += one.why.empty() ? "" : ": " + one.why;
    journal(store, one.recipient, detail);
    print(context, to_json(one), one.recipient + " is refused");
    return kDone;
}

int remove(const Context& context, const std::string& recipient, store::Store& store) {
    const auto removed = store.suppression().remove(recipient);
    if (!removed) {
        return report(context, removed.error());
    }
    if (!*removed) {
        return report(context, Error{Errc::NotFound, recipient + " is not refused"});
    }
    journal(store, to_lower(recipient), "mail for it is taken again, by " + operator_name());
    print(context, Json{{"recipient", recipient}}, recipient + " is no longer refused");
    return kDone;
}

}  // namespace

void add_suppression(CLI::App& app, Context& context, Chosen& chosen) {
    auto* top = app.add_subcommand(
        "suppression", "Recipients that are refused at submission: list, add, remove"
    );
    top->require_subcommand(1);
    top->add_subcommand("list", "Who is refused, since when, until when, why")
        ->callback([&context, &chosen] {
            chosen = [&context] {
                return with_store(context, [&](store::Store& store) {
                    return list(context, store);
                });
            };
        });
    auto options = std::make_shared<AddOptions>();
    auto* adding = top->add_subcommand("add", "Refuse a recipient");
    adding->add_option("recipient", options->recipient, "The address")->required();
    adding->add_option(
        "--until", options->until, "A time, or a span from now (30d); else until removed"
    );
    adding->add_option("--reason", options->reason, "Why; the sender is told");
    adding->callback([&context, &chosen, options] {
        chosen = [&context, options] {
            return with_store(context, [&](store::Store& store) {
                return add(context, *options, store);
            });
        };
    });
    auto recipient = std::make_shared<std::string>();
    auto* removing = top->add_subcommand("remove", "Take mail for a recipient again");
    removing->add_option("recipient", *recipient, "The address")->required();
    removing->callback([&context, &chosen, recipient] {
        chosen = [&context, recipient] {
            return with_store(context, [&](store::Store& store) {
                return remove(context, *recipient, store);
            });
        };
    });
}

}  // namespace sekisho::cli
