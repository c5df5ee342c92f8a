// sekisho queue verify|export|import: open the spool itself, so the mail role must be stopped.
#include "base/result.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/queue_cmd.h"
#include "cli/role.h"
#include "cli/spool_ops.h"
#include "config/config.h"
#include "store/spool_log.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace sekisho::cli {
namespace {

using Tool = std::function<int(const Context&, queue::Spool&, const std::string& folder)>;

int with_spool(const Context& context, const std::string& folder, const Tool& tool) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    if (!std::filesystem::is_directory(config->queue.directory)) {
        return report(context, {Errc::NotFound, config->queue.directory + ": there is no spool"});
    }
    store::SpoolOptions spool_of = spool_options(*config);
    spool_of.use_hints = false;  // every record is looked at
    auto spool = store::SpoolLog::open(std::move(spool_of));
    if (!spool && spool.error().code == Errc::Conflict) {
        return report(
            context, {Errc::Conflict, spool.error().message + "; stop the mail role first"}
        );
    }
    if (!spool) {
        return report(context, spool.error());
    }
    const int code = tool(context, **spool, folder);
    spool->reset();
    // What root made while it worked on the spool belongs to the roles' user.
    if (const Status given = hand_over(*config); !given) {
        return report(context, given.error());
    }
    return code;
}

int run_verify(const Context& context, queue::Spool& spool, const std::string& /*folder*/) {
    const Verified verified = verify(spool);
    std::string text = fmt::format("{} messages, {} bytes read", verified.messages, verified.bytes);
    text += verified.faults.empty() ? ", no fault"
                                    : fmt::format(", {} faults:", verified.faults.size());
    for (const std::string& fault : verified.faults) {
        text += "\n  " + fault;
    }
    print(
        context,
        Json{
            {"messages", verified.messages}, {"bytes", verified.bytes}, {"faults", verified.faults}
        },
        text
    );
    return verified.faults.empty() ? kDone : kFailed;
}

int run_export(const Context& context, queue::Spool& spool, const std::string& folder) {
    const auto count = export_spool(spool, folder);
    if (!count) {
        return report(context, count.error());
    }
    print(
        context,
        Json{{"exported", *count}, {"folder", folder}},
        fmt::format("{} messages exported to {}; they stay queued", *count, folder)
    );
    return kDone;
}

int run_import(const Context& context, queue::Spool& spool, const std::string& folder) {
    const auto imported = import_spool(spool, folder);
    if (!imported) {
        return report(context, imported.error());
    }
    print(
        context,
        Json{{"imported", imported->taken}, {"known", imported->known}},
        fmt::format("{} messages imported, {} were there", imported->taken, imported->known)
    );
    return kDone;
}

}  // namespace

void add_spool_tools(CLI::App& queue, Context& context, Chosen& chosen) {
    auto folder = std::make_shared<std::string>();
    const auto add = [&](const char* name, const char* help, const char* argument, Tool tool) {
        auto* sub = queue.add_subcommand(name, help);
        if (argument != nullptr) {
            sub->add_option("folder", *folder, argument)->required();
        }
        sub->callback([&context, &chosen, folder, tool = std::move(tool)] {
            chosen = [&context, folder, tool] { return with_spool(context, *folder, tool); };
        });
    };
    add("verify",
        "With the mail role stopped: read every message with its checksum",
        nullptr,
        run_verify);
    add("export",
        "With the mail role stopped: each message as ID.eml and ID.json",
        "Where to; made where there is none",
        run_export);
    add("import",
        "With the mail role stopped: queue what an export holds; may be done again",
        "Where an export is",
        run_import);
}

}  // namespace sekisho::cli
