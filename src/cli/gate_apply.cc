// sekisho gate apply|confirm|rollback|history: another policy in force, seen before, and undone
// after.
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/policy_history.h"
#include "config/config.h"
#include "config/reader.h"
#include "policy/difference.h"
#include "policy/policy.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    bool dry_run = false;
    bool yes = false;
    std::string confirm_within;
    std::string note;
    std::int64_t version = 0;  // 0: the one before
};

constexpr Duration kConfirmShortest{1000};
constexpr Duration kConfirmLongest{24LL * 3600 * 1000};

// The history of an installation that has run at least once.
struct Opened {
    config::Config config;
    std::unique_ptr<store::Store> store;
    PolicyState state;

    [[nodiscard]] Result<policy::Source> in_force() const {
        return PolicyHistory(*store).source(state.in_force);
    }
};

Result<Opened> opened_history(const config::Config& config) {
    if (!std::filesystem::exists(config.database())) {
        return fail(Errc::NotFound, "no policy has been in force here yet; start the gate first");
    }
    auto store = store::open_store(config.database());
    if (!store) {
        return fail(store.error());
    }
    auto state = PolicyHistory(**store).read();
    if (!state) {
        return fail(state.error());
    }
    if (state->in_force == 0) {
        return fail(Errc::NotFound, "no policy has been in force here yet; start the gate first");
    }
    return Opened{config, std::move(*store), std::move(*state)};
}

// Or, with the fault told, the exit code.
std::expected<Opened, int> open_history(const Context& context) {
    const auto config = load_config(context);
    if (!config) {
        return std::unexpected(config.error());
    }
    auto opened = opened_history(*config);
    if (!opened) {
        return std::unexpected(report(context, opened.error()));
    }
    return std::move(*opened);
}

// Whether whoever sits there says yes. Without anybody there it has to be --yes.
Result<bool> says_yes(const Options& options, const std::string& question) {
    return options.yes ? true : agreed(question);
}

// The roles that run take it up; the gate has to.
Status reload_all(const config::Config& config, Json& out) {
    const auto gate = ask(config, "gate", Json{{"command", "reload"}});
    if (!gate) {
        return fail(gate.error());
    }
    out["notes"] = gate->value("notes", Json::array());
    for (const char* role : {"mail", "desk"}) {
        const auto answer = ask(config, role, Json{{"command", "reload"}});
        if (!answer && answer.error().code != Errc::Unavailable &&
            answer.error().code != Errc::NotFound) {
            out["notes"].push_back(std::string(role) + ": " + answer.error().message);
        }
    }
    return {};
}

Result<std::optional<Duration>> confirm_time(const Options& options) {
    if (options.confirm_within.empty()) {
        return std::optional<Duration>();
    }
    const auto time = parse_duration(options.confirm_within);
    if (!time || *time < kConfirmShortest || *time > kConfirmLongest) {
        return fail(Errc::Invalid, "\"" + options.confirm_within + "\" is no time from 1s to 24h");
    }
    return std::optional(*time);
}

std::string applied_text(const Json& out) {
    std::string text = fmt::format("version {} is in force", out["version"].get<std::int64_t>());
    if (!out["confirm_until"].is_null()) {
        text += fmt::format(
            "; version {} comes back at {} unless you say: sekisho gate confirm\n",
            out["before"].get<std::int64_t>(),
            out["confirm_until"].get<std::string>()
        );
    } else {
        text += fmt::format(
            "; back to version {}: sekisho gate rollback\n", out["before"].get<std::int64_t>()
        );
    }
    for (const Json& note : out["notes"]) {
        text += "  " + note.get<std::string>() + "\n";
    }
    return text;
}

int put_in_force(const Context& context, Opened& opened, const Options& options, Json out) {
    const auto confirm = confirm_time(options);
    if (!confirm) {
        return report(context, confirm.error());
    }
    const Json word{
        {"command", "policy-apply"},
        {"by", operator_name()},
        {"note", options.note},
        {"confirm", *confirm ? Json((*confirm)->count()) : Json()}
    };
    if (const auto told = ask(opened.config, "gate", word); !told) {
        return report(context, told.error());
    }
    if (const Status done = reload_all(opened.config, out); !done) {
        return report(context, done.error());
    }
    const auto state = PolicyHistory(*opened.store).read();
    if (!state) {
        return report(context, state.error());
    }
    out["version"] = state->in_force;
    out["before"] = state->before;
    out["confirm_until"] = state->confirm_until ? Json(rfc3339(*state->confirm_until)) : Json();
    print(context, out, applied_text(out));
    return kDone;
}

int apply(const Context& context, const Options& options) {
    auto opened = open_history(context);
    if (!opened) {
        return opened.error();
    }
    const auto before = opened->in_force();
    if (!before) {
        return report(context, before.error());
    }
    const auto lines = policy::difference(*before, opened->config.policy, now());
    Json out{{"in_force", opened->state.in_force}, {"difference", lines}};
    std::string text;
    for (const std::string& line : lines) {
        text += line + "\n";
    }
    if (lines.empty()) {
        text = fmt::format(
            "no difference: the policy of {} is in force as version {}\n",
            opened->config.file,
            opened->state.in_force
        );
    }
    if (options.dry_run || (lines.empty() && opened->state.refused.empty())) {
        print(context, out, text);
        return kDone;
    }
    if (!context.json) {
        fmt::print("{}", text);
    }
    const auto yes = says_yes(options, "Put this in force?");
    if (!yes) {
        return report(context, yes.error());
    }
    if (!*yes) {
        fmt::print(stderr, "nothing was changed\n");
        return kFailed;
    }
    return put_in_force(context, *opened, options, std::move(out));
}

int confirm(const Context& context) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto answer = ask(*config, "gate", Json{{"command", "policy-confirm"}});
    if (!answer) {
        return report(context, answer.error());
    }
    print(context, Json{{"confirmed", true}}, "confirmed: it stays in force\n");
    return kDone;
}

int rollback(const Context& context, const Options& options) {
    auto opened = open_history(context);
    if (!opened) {
        return opened.error();
    }
    const std::int64_t to = options.version != 0 ? options.version : opened->state.before;
    if (to == 0) {
        return report(
            context, Error{Errc::NotFound, "there is no earlier policy: this is the first"}
        );
    }
    const auto before = opened->in_force();
    const auto after = PolicyHistory(*opened->store).source(to);
    if (!before || !after) {
        return report(context, before ? after.error() : before.error());
    }
    const auto lines = policy::difference(*before, *after, now());
    if (!context.json) {
        for (const std::string& line : lines) {
            fmt::print("{}\n", line);
        }
    }
    Json out{{"difference", lines}, {"version", to}};
    if (options.dry_run) {
        print(context, out, "");
        return kDone;
    }
    const auto yes = says_yes(options, fmt::format("Put version {} back in force?", to));
    if (!yes || !*yes) {
        return report(context, yes ? Error{Errc::Cancelled, "nothing was changed"} : yes.error());
    }
    const auto answer =
        ask(opened->config,
            "gate",
            Json{
                {"command", "policy-rollback"},
                {"version", to},
                {"refused", policy_digest(config::policy_text(opened->config.policy))},
                {"by", operator_name()},
                {"note", options.note.empty() ? "rolled back" : options.note}
            });
    if (!answer) {
        return report(context, answer.error());
    }
    print(
        context,
        out,
        fmt::format(
            "version {} is in force; {} stays as it is and is not, until it says something else "
            "or `sekisho gate apply`\n",
            to,
            opened->config.file
        )
    );
    return kDone;
}

int show_history(const Context& context) {
    const auto opened = open_history(context);
    if (!opened) {
        return opened.error();
    }
    const PolicyState& state = opened->state;
    Json out = Json::array();
    std::vector<std::vector<std::string>> rows;
    for (auto one = state.versions.rbegin(); one != state.versions.rend(); ++one) {
        const bool current = one->id == state.in_force;
        std::string now = current ? "in force" : one->id == state.before ? "before" : "";
        if (current && state.confirm_until) {
            now += ", to be confirmed until " + rfc3339(*state.confirm_until);
        }
        out.push_back(
            {{"version", one->id},
             {"digest", one->digest},
             {"in_force_since", rfc3339(one->since)},
             {"by", one->by},
             {"note", one->note},
             {"state", now}}
        );
        rows.push_back({std::to_string(one->id), rfc3339(one->since), one->by, now, one->note});
    }
    print(context, out, table({"VERSION", "IN FORCE SINCE", "BY", "STATE", "NOTE"}, rows));
    return kDone;
}

}  // namespace

void add_gate_apply(CLI::App& gate, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* applying = gate.add_subcommand(
        "apply", "Show what the file's policy would change, ask, and put it in force"
    );
    applying->add_flag("--dry-run", options->dry_run, "Show it only");
    applying->add_flag("--yes", options->yes, "Don't ask");
    applying->add_option(
        "--confirm-within",
        options->confirm_within,
        "Back to the policy before after this time (60s), unless `sekisho gate confirm` comes first"
    );
    applying->add_option("--note", options->note, "Why; kept in the history");
    applying->callback([&context, &chosen, options] {
        chosen = [&context, options] { return apply(context, *options); };
    });
    gate.add_subcommand("confirm", "Keep the policy that was applied with --confirm-within")
        ->callback([&context, &chosen] { chosen = [&context] { return confirm(context); }; });
    auto* back = gate.add_subcommand("rollback", "Put an earlier policy back in force");
    back->add_option("version", options->version, "Of `gate history`; else the one before");
    back->add_flag("--dry-run", options->dry_run, "Show what it would change only");
    back->add_flag("--yes", options->yes, "Don't ask");
    back->add_option("--note", options->note, "Why; kept in the history");
    back->callback([&context, &chosen, options] {
        chosen = [&context, options] { return rollback(context, *options); };
    });
    gate.add_subcommand("history", "The policies that were in force, and by whom")
        ->callback([&context, &chosen] { chosen = [&context] { return show_history(context); }; });
}

}  // namespace sekisho::cli
