// sekisho alias import: aliases of another system, all or nothing.
#include "account/alias_import.h"

#include "account/forwarding.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "store/store.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr std::size_t kFileMax = std::size_t{1} << 28U;
constexpr std::size_t kFaultsShown = 1000;  // on a terminal; JSON has all

struct Options {
    std::string file, format = "postfix", domain, table = "alias";
    bool dry_run = false, skip_bad = false, update = false;
};

class Importer {
  public:
    Importer(
        const Context& context,
        const Options& options,
        const config::Config& config,
        store::Store& store
    )
        : context_(context), options_(options), config_(config), store_(store) {}

    int run() {
        const auto text = read_file(options_.file, kFileMax);
        if (!text) {
            return report(context_, text.error());
        }
        auto read = account::read_aliases(
            *text,
            {.format = *account::parse_alias_format(options_.format),
             .domain = options_.domain,
             .table = options_.table}
        );
        if (!read) {
            return report(
                context_, {read.error().code, options_.file + ": " + read.error().message}
            );
        }
        import_ = std::move(*read);
        for (account::AliasRow& row : import_.rows) {
            if (const Status sound = look_at(row); !sound) {
                return report(context_, sound.error());
            }
        }
        std::ranges::sort(import_.faults, {}, &account::AliasFault::line);
        const bool sound = import_.faults.empty() || options_.skip_bad;
        if (sound && !options_.dry_run) {
            if (const Status kept = store_.forwards().set_aliases(aliases_); !kept) {
                return report(context_, kept.error());
            }
            kept_ = true;
            record_change(
                store_,
                "",
                fmt::format("{} aliases imported from {}", aliases_.size(), options_.file)
            );
        }
        tell();
        return kept_ || (options_.dry_run && import_.faults.empty()) ? kDone : kFailed;
    }

  private:
    // What the store and the configuration say of a row. An error is of the store itself.
    Status look_at(account::AliasRow& row) {
        const std::string& address = row.alias.address;
        const std::string domain = address.substr(address.rfind('@') + 1);
        if (std::ranges::none_of(config_.mail.domains, [&](const std::string& ours) {
                return iequals(ours, domain);
            })) {
            import_.faults.push_back({row.line, domain + " is not one of mail.domains"});
            return {};
        }
        const auto account = store_.accounts().find_by_address(address);
        if (account) {
            import_.faults.push_back(
                {row.line,
                 address + " is an address of the account " + account->login +
                     "; use `sekisho account forward set`"}
            );
            return {};
        }
        if (account.error().code != Errc::NotFound) {
            return fail(account.error());
        }
        const auto before = store_.forwards().alias(address);
        if (!before && before.error().code != Errc::NotFound) {
            return fail(before.error());
        }
        if (before && before->targets == row.alias.targets) {
            ++unchanged_;
            return {};
        }
        if (before && !options_.update) {
            import_.faults.push_back(
                {row.line, address + " is an alias already that leads elsewhere; see --update"}
            );
            return {};
        }
        ++(before ? updated_ : added_);
        row.alias.changed = now();
        aliases_.push_back(row.alias);
        return {};
    }

    void tell() const {
        Json faults = Json::array();
        std::string text;
        for (const account::AliasFault& fault : import_.faults) {
            faults.push_back(Json{{"line", fault.line}, {"why", fault.why}});
            if (faults.size() <= kFaultsShown) {
                text += fmt::format("{}:{}: {}\n", options_.file, fault.line, fault.why);
            }
        }
        text += fmt::format(
            "{}: {} new, {} changed, {} as before, {} passed over, {} refused\n{}",
            options_.file,
            added_,
            updated_,
            unchanged_,
            import_.passed_over,
            import_.faults.size(),
            kept_              ? "imported"
            : options_.dry_run ? "nothing was changed (--dry-run)"
                               : "nothing was imported; mend the rows, or take --skip-bad"
        );
        print(
            context_,
            Json{
                {"file", options_.file},
                {"added", added_},
                {"updated", updated_},
                {"unchanged", unchanged_},
                {"passed_over", import_.passed_over},
                {"imported", kept_},
                {"refused", std::move(faults)}
            },
            text
        );
    }

    const Context& context_;        // NOLINT(*-avoid-const-or-ref-data-members)
    const Options& options_;        // NOLINT(*-avoid-const-or-ref-data-members)
    const config::Config& config_;  // NOLINT(*-avoid-const-or-ref-data-members)
    store::Store& store_;           // NOLINT(*-avoid-const-or-ref-data-members)
    account::AliasImport import_;
    std::vector<account::Alias> aliases_;
    std::size_t added_ = 0, updated_ = 0, unchanged_ = 0;
    bool kept_ = false;
};

int import_all(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    return with_store(context, [&](store::Store& store) {
        return Importer(context, options, *config, store).run();
    });
}

}  // namespace

void add_alias_import(CLI::App& alias, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* command = alias.add_subcommand("import", "Take the aliases of another system");
    command->add_option("file", options->file, "The file, see --format")->required();
    command
        ->add_option(
            "--format",
            options->format,
            "postfix (a map: key and addresses, as in virtual(5) and aliases(5)) or sql (a dump of "
            "PostfixAdmin's database)"
        )
        ->check(CLI::IsMember({"postfix", "sql"}))
        ->capture_default_str();
    command->add_option(
        "--domain", options->domain, "Names without '@' are of this domain, as in aliases(5)"
    );
    command->add_option("--table", options->table, "Of a dump: the table that has the aliases")
        ->capture_default_str();
    auto* dry = command->add_flag(
        "--dry-run", options->dry_run, "Only say what would be done, and which rows are refused"
    );
    command
        ->add_flag("--skip-bad", options->skip_bad, "Import the sound rows when others are refused")
        ->excludes(dry);
    command->add_flag(
        "--update", options->update, "Let aliases that are there lead to where the file says"
    );
    command->callback([&context, &chosen, options] {
        chosen = [&context, options] { return import_all(context, *options); };
    });
}

}  // namespace sekisho::cli
