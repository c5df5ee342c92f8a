// sekisho queue classify, and the file behind it.
#include "cli/reply_rules.h"

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/queue_cmd.h"
#include "config/config.h"
#include "replies/table.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace sekisho::cli {
namespace {

const char* name(replies::Treat treat) {
    switch (treat) {
        case replies::Treat::Later:
            return "later";
        case replies::Treat::Return:
            return "return";
        case replies::Treat::AsSaid:
            break;
    }
    return "as-said";
}

std::string text(const Json& answer) {
    std::string out;
    for (const char* key :
         {"rule", "kind", "treat", "wait_min", "wait_max", "why_en", "todo_en", "why_ja", "todo_ja"
         }) {
        if (const std::string value = answer.value(key, ""); !value.empty()) {
            out += fmt::format("{:<9} {}\n", key, value);
        }
    }
    return out;
}

int classify(const Context& context, const std::string& reply, const std::string& host) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    replies::Question question = replies::said_in(reply);
    if (!host.empty()) {
        question.host = host;
    }
    if (question.reply.empty() || question.reply[0] < '2' || question.reply[0] > '5') {
        return report(
            context,
            Error{Errc::Invalid, "a reply begins with its code: \"550 5.1.1 No such user\""}
        );
    }
    const replies::Meaning meaning = replies::in_use()->find(question);
    Json answer{
        {"rule", meaning.rule},
        {"kind", meaning.kind.name},
        {"treat", name(meaning.kind.treat)},
        {"recipient_gone", meaning.kind.recipient_gone},
        {"why_en", meaning.kind.why_en},
        {"todo_en", meaning.kind.todo_en},
        {"why_ja", meaning.kind.why_ja},
        {"todo_ja", meaning.kind.todo_ja},
    };
    if (meaning.kind.wait_min > Duration{0}) {
        answer["wait_min"] = format_duration(meaning.kind.wait_min);
    }
    if (meaning.kind.wait_max > Duration{0}) {
        answer["wait_max"] = format_duration(meaning.kind.wait_max);
    }
    print(context, answer, text(answer));
    return kDone;
}

}  // namespace

Status follow_replies(const config::Config& config) {
    const std::string& file = config.delivery.replies;
    if (file.empty()) {
        replies::use(replies::Table::built_in());
        return {};
    }
    constexpr std::size_t kMax = std::size_t{1} << 20U;
    const auto content = read_file(file, kMax);
    if (!content) {
        return fail(Errc::Invalid, "delivery.replies: " + content.error().message);
    }
    auto table = replies::Table::parse(*content, file, replies::Table::built_in().get());
    if (!table) {
        return fail(Errc::Invalid, table.error().message);
    }
    replies::use(std::move(*table));
    return {};
}

void add_queue_classify(CLI::App& queue, Context& context, Chosen& chosen) {
    auto* sub = queue.add_subcommand(
        "classify", "Which rule a reply of another server meets, and what that means"
    );
    auto reply = std::make_shared<std::string>();
    auto host = std::make_shared<std::string>();
    sub->add_option("reply", *reply, "The reply, as events and traces show it")->required();
    sub->add_option("--host", *host, "Who said it, where the reply doesn't tell");
    sub->callback([&context, &chosen, reply, host] {
        chosen = [&context, reply, host] { return classify(context, *reply, *host); };
    });
}

}  // namespace sekisho::cli
