// sekisho conduct list|show|suspend|undo|exempt, account suspend|resume, complaint read.
#include "base/file.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/complaint_ops.h"
#include "cli/context.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string account, line, reason, file;
    bool keep_held = false;
    bool off = false;
};

std::string called(const Json& one) {
    return one.contains("line") ? "line " + one.value("line", "") : one.value("account", "");
}

std::string list_text(const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    Json all = answer.at("accounts");
    for (const Json& one : answer.value("lines", Json::array())) {
        all.push_back(one);
    }
    for (const Json& one : all) {
        rows.push_back(
            {called(one),
             one.value("stage", "") + (one.value("exempt", false) ? ", exempt" : ""),
             one.value("since", ""),
             std::to_string(one.value("score", 0)),
             one.value("reason", "")}
        );
    }
    std::string out = rows.empty() ? "nothing is held against anybody"
                                   : table({"WHO", "STAGE", "SINCE", "SCORE", "REASON"}, rows);
    if (answer.value("mode", "") != "enforce") {
        out += "\nconduct.mode = \"" + answer.value("mode", "") +
               "\": only what an operator ordered is in force";
    }
    return out;
}

std::string show_text(const Json& one) {
    std::string out = fmt::format(
        "{} is {}{}, score {}\n",
        called(one),
        one.value("stage", ""),
        one.value("exempt", false) ? " and exempt" : "",
        one.value("score", 0)
    );
    for (const char* key : {"since", "reason", "by"}) {
        if (const std::string value = one.value(key, ""); !value.empty()) {
            out += fmt::format("{:<8} {}\n", key, value);
        }
    }
    for (const Json& line : one.value("evidence", Json::array())) {
        out += fmt::format("seen     {}\n", line.get<std::string>());
    }
    return out;
}

int order(const Context& context, const std::string& name, const Options& options) {
    return ask_mail(
        context,
        Json{
            {"command", name},
            {"account", options.account},
            {"line", options.line},
            {"reason", options.reason},
            {"by", operator_name()},
            {"release", !options.keep_held},
            {"exempt", !options.off}
        },
        done_text
    );
}

int read_complaint(const Context& context, const std::string& file) {
    std::string text;
    if (file == "-") {
        text.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    } else {
        auto content = read_file(file);
        if (!content) {
            return report(context, content.error());
        }
        text = std::move(*content);
    }
    return with_store(context, [&](store::Store& store) {
        const auto taken = take_complaint(store, text);
        if (!taken) {
            return report(context, taken.error());
        }
        if (const Status kept = store.journal().flush(); !kept) {
            return report(context, kept.error());
        }
        print(context, *taken, done_text(*taken));
        return kDone;
    });
}

using Shared = std::shared_ptr<Options>;

// An account, or a line with --line.
void add_subject(CLI::App& command, const Shared& options) {
    auto* who = command.add_option_group("who");
    who->add_option("account", options->account, "The login");
    who->add_option("--line", options->line, "A line instead, as `sekisho line show` calls it");
    who->require_option(1);
}

CLI::App* ordering(
    CLI::App& parent,
    Context& context,
    Chosen& chosen,
    const Shared& options,
    const char* verb,
    const char* help,
    const std::string& name
) {
    auto* command = parent.add_subcommand(verb, help);
    if (parent.get_name() == "account") {
        command->add_option("account", options->account, "The login")->required();
    } else {
        add_subject(*command, options);
    }
    command->add_option("--reason", options->reason, "Why; kept with it")->required();
    command->callback([&context, &chosen, options, name] {
        chosen = [&context, options, name] { return order(context, name, *options); };
    });
    return command;
}

void add_keep_held(CLI::App& command, const Shared& options) {
    command.add_flag(
        "--keep-held", options->keep_held, "What was held of it stays held, to be looked at"
    );
}

}  // namespace

void add_account_suspend(CLI::App& account, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    ordering(
        account,
        context,
        chosen,
        options,
        "suspend",
        "It may not send; its sessions end, its queued mail is held; it goes on receiving",
        "conduct-suspend"
    );
    auto* resume = ordering(
        account,
        context,
        chosen,
        options,
        "resume",
        "End that, and send on what was held",
        "conduct-undo"
    );
    add_keep_held(*resume, options);
}

void add_conduct(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* conduct =
        app.add_subcommand("conduct", "Accounts and lines that are misused, and what is done");
    conduct->require_subcommand(1);
    conduct->add_subcommand("list", "Every account and line with a stage, points or an exemption")
        ->callback([&context, &chosen] {
            chosen = [&context] {
                return ask_mail(context, Json{{"command", "conduct-list"}}, list_text);
            };
        });
    auto* show = conduct->add_subcommand("show", "One account or line, with what was seen of it");
    add_subject(*show, options);
    show->callback([&context, &chosen, options] {
        chosen = [&context, options] {
            return ask_mail(
                context,
                Json{
                    {"command", "conduct-show"},
                    {"account", options->account},
                    {"line", options->line}
                },
                show_text
            );
        };
    });
    ordering(
        *conduct,
        context,
        chosen,
        options,
        "suspend",
        "Nothing may be sent by it, or from the line; sessions end, what is queued is held",
        "conduct-suspend"
    );
    auto* undo = ordering(
        *conduct,
        context,
        chosen,
        options,
        "undo",
        "Trust it again, and send on what was held",
        "conduct-undo"
    );
    add_keep_held(*undo, options);
    auto* exempt = ordering(
        *conduct,
        context,
        chosen,
        options,
        "exempt",
        "Nothing it does counts, for a mailing list and the like",
        "conduct-exempt"
    );
    exempt->add_flag("--off", options->off, "It counts again");

    auto* complaint = app.add_subcommand("complaint", "Complaints about mail from here");
    complaint->require_subcommand(1);
    auto* read = complaint->add_subcommand("read", "Take a report in the form of RFC 5965");
    read->add_option("file", options->file, "The report, or - for standard input")->required();
    read->callback([&context, &chosen, options] {
        chosen = [&context, options] { return read_complaint(context, options->file); };
    });
}

}  // namespace sekisho::cli
