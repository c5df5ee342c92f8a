#include "cli/queue_compact.h"

#include "base/result.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/role.h"
#include "cli/spool_ops.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace sekisho::cli {
namespace {

using Ask = std::function<Result<Json>(const Json& request)>;

std::string bytes_text(std::uint64_t bytes) {
    constexpr double kMebi = 1024.0 * 1024.0;
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kMebi);
}

std::string plan_text(const Json& plan, const char* frees) {
    return fmt::format(
        "{} segments {}: {}; {} messages ({}) of them are written again",
        plan.value("segments", std::uint64_t{0}),
        frees,
        bytes_text(plan.value("frees", std::uint64_t{0})),
        plan.value("messages", std::uint64_t{0}),
        bytes_text(plan.value("bytes", std::uint64_t{0}))
    );
}

// Starts it and stays until it is done, or the spool makes no way for a while.
Result<Json> run(const Ask& ask_spool) {
    using namespace std::chrono_literals;
    constexpr auto kPatience = 60s;
    Result<Json> plan = ask_spool({{"begin", true}});
    auto moved = std::chrono::steady_clock::now();
    for (Result<Json> rest = plan; plan;) {
        if (!rest) {
            return rest;
        }
        if (!rest->value("running", false)) {
            break;
        }
        if (std::chrono::steady_clock::now() - moved > kPatience) {
            return fail(
                Errc::Unavailable,
                "nothing was written for a minute: is a message damaged, or the disk full?"
            );
        }
        std::this_thread::sleep_for(50ms);
        Result<Json> next = ask_spool({{"begin", false}});
        if (next && *next != *rest) {
            moved = std::chrono::steady_clock::now();
        }
        rest = std::move(next);
    }
    return plan;
}

int compact(const Context& context, bool dry_run, const Ask& ask_spool) {
    const Result<Json> plan = dry_run ? ask_spool({{"begin", false}}) : run(ask_spool);
    if (!plan) {
        return report(context, plan.error());
    }
    Json told = *plan;
    told.erase("running");
    const bool nothing = plan->value("segments", std::uint64_t{0}) == 0;
    print(
        context,
        told,
        nothing ? "nothing to give back"
                : plan_text(*plan, dry_run ? "would be given up" : "were given up")
    );
    return kDone;
}

// By the mail role; where none runs, on the spool itself.
int compact_somehow(const Context& context, bool dry_run) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    if (!std::filesystem::is_directory(config->queue.directory)) {
        return report(context, {Errc::NotFound, config->queue.directory + ": there is no spool"});
    }
    auto spool = store::SpoolLog::open(spool_options(*config));
    if (!spool && spool.error().code == Errc::Conflict) {
        return compact(context, dry_run, [&](Json request) {
            request["command"] = "queue-compact";
            return ask(*config, "mail", request);
        });
    }
    if (!spool) {
        return report(context, spool.error());
    }
    const int code = compact(context, dry_run, [&](const Json& request) -> Result<Json> {
        return compact_command(**spool, request);
    });
    spool->reset();
    const Status given = hand_over(*config);
    return given ? code : report(context, given.error());
}

}  // namespace

Json compact_command(queue::Spool& spool, const Json& request) {
    const queue::Compaction plan = spool.compact(request.value("begin", false));
    return Json{
        {"segments", plan.segments},
        {"messages", plan.messages},
        {"bytes", plan.bytes},
        {"frees", plan.frees},
        {"running", plan.running},
    };
}

void add_queue_compact(CLI::App& queue, Context& context, Chosen& chosen) {
    auto dry_run = std::make_shared<bool>(false);
    auto* sub = queue.add_subcommand(
        "compact", "Give the disk space of finished messages back now; the mail role may run"
    );
    sub->add_flag("--dry-run", *dry_run, "Say what would be given back");
    sub->callback([&context, &chosen, dry_run] {
        chosen = [&context, dry_run] { return compact_somehow(context, *dry_run); };
    });
}

}  // namespace sekisho::cli
