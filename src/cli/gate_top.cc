// sekisho gate top: who is blocked most, by line, or by address where no line is known. Never whom
// they wanted to reach: the journal doesn't know.
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "event/event.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string since = "24h";
    std::size_t limit = 20;
    bool exact = false;
};

struct Busy {
    std::string line, address;  // the address: one of those that were seen
    std::set<std::string> addresses, rules;
    std::int64_t blocked = 0, would_block = 0;
    Time last{};
};

Result<std::map<std::string, Busy>> gather(event::Journal& journal, Time since) {
    event::Query query;
    query.kinds = {
        event::Kind::GateBlocked, event::Kind::GateAnswered, event::Kind::GateWouldBlock
    };
    query.since = since;
    std::map<std::string, Busy> out;
    const Status read = event::for_each(journal, query, [&out](const event::Event& one) {
        Busy& busy = out[one.line.empty() ? "address " + one.address : "line " + one.line];
        busy.line = one.line;
        busy.addresses.insert(one.address);
        busy.rules.insert(one.rule);
        (one.kind == event::Kind::GateWouldBlock ? busy.would_block : busy.blocked) += one.count;
        if (one.at >= busy.last) {
            busy.last = one.at;
            busy.address = one.address;
        }
    });
    if (!read) {
        return fail(read.error());
    }
    return out;
}

// The running gate's own count.
int exact(const Context& context, const config::Config& config, const Options& options) {
    const auto answer = ask(config, "gate", Json{{"command", "top"}, {"limit", options.limit}});
    if (!answer) {
        return report(context, answer.error());
    }
    std::vector<std::vector<std::string>> rows;
    const Json lines = answer->value("lines", Json::array());
    for (const Json& one : lines) {
        const std::string line = one.value("line", "");
        const auto number = [&one](const char* key) {
            return fmt::format("{}", one.value(key, std::uint64_t{0}));
        };
        rows.push_back(
            {line.empty() ? "(not known)" : line,
             one.value("address", ""),
             number("blocked"),
             number("would_block"),
             number("answered"),
             one.value("last", "")}
        );
    }
    print(
        context,
        lines,
        rows.empty() ? "nobody was blocked"
                     : table({"LINE", "ADDRESS", "BLOCKED", "WOULD BE", "ANSWERED", "LAST"}, rows)
    );
    return kDone;
}

int top(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    if (options.exact) {
        return exact(context, *config, options);
    }
    const auto span = parse_duration(options.since);
    const auto time = parse_rfc3339(options.since);
    if (!span && !time) {
        return report(
            context,
            Error{Errc::Invalid, "\"" + options.since + "\" is neither a time nor a span (24h)"}
        );
    }
    const auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    const auto busy = gather((*store)->journal(), time ? *time : now() - *span);
    if (!busy) {
        return report(context, busy.error());
    }
    std::vector<const Busy*> order;
    for (const auto& [who, one] : *busy) {
        order.push_back(&one);
    }
    std::sort(order.begin(), order.end(), [](const Busy* a, const Busy* b) {
        return a->blocked + a->would_block > b->blocked + b->would_block;
    });
    order.resize(std::min(order.size(), options.limit));
    Json out = Json::array();
    std::vector<std::vector<std::string>> rows;
    for (const Busy* one : order) {
        out.push_back(
            {{"line", one->line},
             {"address", one->address},
             {"addresses", one->addresses.size()},
             {"rules", one->rules},
             {"blocked", one->blocked},
             {"would_block", one->would_block},
             {"last", rfc3339(one->last)}}
        );
        std::string rules;
        for (const std::string& rule : one->rules) {
            rules += (rules.empty() ? "" : ", ") + rule;
        }
        rows.push_back(
            {one->line.empty() ? "(not known)" : one->line,
             one->address,
             fmt::format("{}", one->blocked),
             fmt::format("{}", one->would_block),
             rfc3339(one->last),
             rules}
        );
    }
    print(
        context,
        out,
        rows.empty() ? "nobody was blocked"
                     : table({"LINE", "ADDRESS", "BLOCKED", "WOULD BE", "LAST", "RULES"}, rows)
    );
    return kDone;
}

}  // namespace

void add_gate_top(CLI::App& gate, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* app = gate.add_subcommand("top", "Who is blocked most, by line");
    app->add_option("--since", options->since, "A time, or a span back from now (24h)");
    app->add_option("--limit", options->limit, "Rows at the most")->check(CLI::Range(1, 100000));
    app->add_flag(
        "--exact", options->exact, "As the running gate counted every packet since its start"
    );
    app->callback([&context, &chosen, options] {
        chosen = [&context, options] { return top(context, *options); };
    });
}

}  // namespace sekisho::cli
