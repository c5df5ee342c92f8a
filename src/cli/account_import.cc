// sekisho account import: accounts of another system, all or nothing.
#include "account/account.h"
#include "account/digest.h"
#include "account/import.h"
#include "account/password.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr std::size_t kFileMax = std::size_t{1} << 30U;
constexpr std::size_t kEventsAtOnce = 20'000;  // the journal's buffer holds 100,000
constexpr std::size_t kFaultsShown = 1000;     // on a terminal; JSON has all

struct Options {
    std::string file, format = "auto", scheme, domain, table = "mailbox";
    std::string login_column, password_column;
    bool dry_run = false, skip_bad = false, update = false;
};

using Known = std::unordered_map<std::string, account::Account>;

Result<Known> known_accounts(store::Store& store) {
    auto accounts = store.accounts().list();
    if (!accounts) {
        return fail(accounts.error());
    }
    Known out;
    for (account::Account& one : *accounts) {
        std::string login = one.login;
        out.emplace(std::move(login), std::move(one));
    }
    return out;
}

std::string span_text(Duration time) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
    return seconds < 120 ? fmt::format("{} s", std::max<long>(seconds, 1))
                         : fmt::format("{} min", (seconds + 59) / 60);
}

class Importer {
  public:
    Importer(const Context& context, const Options& options, store::Store& store)
        : context_(context), options_(options), store_(store) {}

    int run() {
        auto text = read_file(options_.file, kFileMax);
        if (!text) {
            return report(context_, text.error());
        }
        auto read = account::read_import(
            *text,
            {.format = *account::parse_import_format(options_.format),
             .default_scheme = options_.scheme,
             .domain = options_.domain,
             .table = options_.table,
             .login_column = options_.login_column,
             .password_column = options_.password_column,
             .update = options_.update}
        );
        account::wipe(*text);
        if (!read) {
            return report(
                context_, {read.error().code, options_.file + ": " + read.error().message}
            );
        }
        import_ = std::move(*read);
        read_ = import_.rows.size() + import_.faults.size();
        if (const Status done = work(); !done) {
            return report(context_, done.error());
        }
        tell();
        return kept_ || (options_.dry_run && import_.faults.empty()) ? kDone : kFailed;
    }

  private:
    Status work() {
        if (options_.update) {
            auto known = known_accounts(store_);
            if (!known) {
                return fail(known.error());
            }
            known_ = std::move(*known);
        }
        for (account::ImportRow& row : import_.rows) {
            row.account.created = row.account.changed = now();
            if (const auto before = known_.find(row.account.login); before != known_.end()) {
                row.account = merged(before->second, row.account, import_.fields);
                row.account.changed = now();
            } else if (!import_.fields.password) {
                import_.faults.push_back(
                    {row.line, "there is no account " + row.account.login + " to update"}
                );
                row.line = 0;
            }
        }
        drop_faulty();
        // The store's own word on each row, before any password is hashed.
        if (const Status checked = put({.update = options_.update, .only_check = true}); !checked) {
            return checked;
        }
        drop_faulty();
        plaintexts_ = static_cast<std::size_t>(std::ranges::count_if(
            import_.rows, [](const account::ImportRow& row) { return !row.plaintext.empty(); }
        ));
        if (options_.dry_run || (!import_.faults.empty() && !options_.skip_bad)) {
            return estimate();
        }
        if (const Status hashed = hash_plaintexts(); !hashed) {
            return hashed;
        }
        const Status written =
            put({.update = options_.update, .skip_bad = options_.skip_bad, .only_check = false});
        if (!written) {
            return written;
        }
        drop_faulty();
        record();
        return {};
    }

    // A row that came to grief has line 0 and its fault in the list.
    void drop_faulty() {
        std::erase_if(import_.rows, [](const account::ImportRow& row) { return row.line == 0; });
        std::ranges::sort(import_.faults, {}, &account::ImportFault::line);
    }

    Status put(const account::BatchOptions& batch) {
        std::vector<account::Account> accounts;
        accounts.reserve(import_.rows.size());
        for (const account::ImportRow& row : import_.rows) {
            accounts.push_back(row.account);
        }
        const auto result = store_.accounts().add_all(accounts, batch);
        if (!result) {
            return fail(result.error());
        }
        added_ = result->added;
        updated_ = result->updated;
        kept_ = result->kept;
        for (const account::BatchFault& fault : result->faults) {
            account::ImportRow& row = import_.rows.at(fault.index);
            import_.faults.push_back({row.line, fault.why.message});
            row.line = 0;
        }
        return {};
    }

    // How long the hashing of plaintext passwords would take, by doing one.
    Status estimate() {
        if (plaintexts_ == 0) {
            return {};
        }
        const auto start = std::chrono::steady_clock::now();
        const auto one = account::make_credential("how long it takes", account::HashOptions{});
        if (!one) {
            return fail(one.error());
        }
        const auto took = std::chrono::steady_clock::now() - start;
        hashing_ = std::chrono::duration_cast<Duration>(took * plaintexts_ / threads());
        return {};
    }

    [[nodiscard]] static unsigned threads() {
        return std::max(1U, std::thread::hardware_concurrency());
    }

    Status hash_plaintexts() {
        std::atomic<std::size_t> next{0}, done{0};
        std::mutex mutex;
        std::optional<Error> error;
        const auto work = [&] {
            for (std::size_t i = next++; i < import_.rows.size(); i = next++) {
                account::ImportRow& row = import_.rows[i];
                if (row.plaintext.empty()) {
                    continue;
                }
                const auto before = known_.find(row.account.login);
                auto credential = account::make_credential(
                    row.plaintext,
                    account::HashOptions{},
                    before == known_.end() ? std::nullopt
                                           : account::scram_setting_of(before->second)
                );
                account::wipe(row.plaintext);
                if (!credential) {
                    const std::scoped_lock lock(mutex);
                    error = credential.error();
                    next = import_.rows.size();
                    return;
                }
                row.account.credential = std::move(*credential);
                const std::size_t count = ++done;
                if (count % 1000 == 0 && isatty(STDERR_FILENO) != 0) {
                    fmt::print(stderr, "\r{} of {} passwords hashed", count, plaintexts_);
                }
            }
        };
        std::vector<std::thread> running;
        for (unsigned i = 0; i < threads(); ++i) {
            running.emplace_back(work);
        }
        for (std::thread& one : running) {
            one.join();
        }
        if (plaintexts_ >= 1000 && isatty(STDERR_FILENO) != 0) {
            fmt::print(stderr, "\n");
        }
        return error ? Status{fail(*error)} : Status{};
    }

    void record() {
        if (!kept_) {
            return;
        }
        std::size_t count = 0;
        for (const account::ImportRow& row : import_.rows) {
            record_change(
                store_,
                row.account.login,
                known_.contains(row.account.login) ? "changed by an import" : "imported"
            );
            if (++count % kEventsAtOnce == 0) {
                static_cast<void>(store_.journal().flush());
            }
        }
        static_cast<void>(store_.journal().flush());
    }

    void tell() const {
        Json faults = Json::array();
        std::string text;
        for (const account::ImportFault& fault : import_.faults) {
            faults.push_back(Json{{"line", fault.line}, {"why", fault.why}});
            if (faults.size() <= kFaultsShown) {
                text += fmt::format("{}:{}: {}\n", options_.file, fault.line, fault.why);
            }
        }
        if (faults.size() > kFaultsShown) {
            text += fmt::format("... and {} more; --json has all\n", faults.size() - kFaultsShown);
        }
        text += fmt::format(
            "{} as {}: {} rows, {} new, {} changed, {} refused, {} passwords to hash",
            options_.file,
            account::name(import_.format),
            read_,
            added_,
            updated_,
            import_.faults.size(),
            plaintexts_
        );
        if (hashing_ > Duration{0}) {
            text += fmt::format(" (about {})", span_text(hashing_));
        }
        if (!import_.ignored.empty()) {
            text += "\ncolumns without meaning here:";
            for (const std::string& column : import_.ignored) {
                text += " " + column;
            }
        }
        text += kept_              ? "\nimported"
                : options_.dry_run ? "\nnothing was changed (--dry-run)"
                                   : "\nnothing was imported; mend the rows, or take --skip-bad";
        print(
            context_,
            Json{
                {"file", options_.file},
                {"format", account::name(import_.format)},
                {"rows", read_},
                {"added", added_},
                {"updated", updated_},
                {"plaintext", plaintexts_},
                {"imported", kept_},
                {"ignored_columns", import_.ignored},
                {"refused", std::move(faults)}
            },
            text
        );
    }

    const Context& context_;  // NOLINT(*-avoid-const-or-ref-data-members)
    const Options& options_;  // NOLINT(*-avoid-const-or-ref-data-members)
    store::Store& store_;     // NOLINT(*-avoid-const-or-ref-data-members)
    account::Import import_;
    Known known_;  // with --update: what is there
    std::size_t read_ = 0, added_ = 0, updated_ = 0, plaintexts_ = 0;
    Duration hashing_{0};
    bool kept_ = false;
};

}  // namespace

void add_account_import(CLI::App& account, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* command = account.add_subcommand(
        "import", "Take accounts with their password hashes from another system"
    );
    command->add_option("file", options->file, "The file, see --format")->required();
    command
        ->add_option(
            "--format",
            options->format,
            "csv (with a header: login, password, name, addresses, line, enabled), passwd-file "
            "(Dovecot's), sql (a dump of PostfixAdmin's or another database: mysqldump, pg_dump, "
            "sqlite3 .dump), or auto"
        )
        ->check(CLI::IsMember({"csv", "passwd-file", "sql", "auto"}));
    command->add_option("--table", options->table, "Of a dump: the table that has the accounts")
        ->capture_default_str();
    command->add_option(
        "--login-column",
        options->login_column,
        "Which column has the logins; else username, login, user, email"
    );
    command->add_option(
        "--password-column",
        options->password_column,
        "Which column has the passwords; else password, passwd, hash, crypt"
    );
    command->add_option(
        "--scheme",
        options->scheme,
        "The scheme of passwords that name none, as {SSHA} does; PLAIN: they are the passwords"
    );
    command->add_option(
        "--domain", options->domain, "Logins without '@' get the address LOGIN@DOMAIN"
    );
    auto* dry = command->add_flag(
        "--dry-run", options->dry_run, "Only say what would be done, and which rows are refused"
    );
    command
        ->add_flag("--skip-bad", options->skip_bad, "Import the sound rows when others are refused")
        ->excludes(dry);
    command->add_flag(
        "--update",
        options->update,
        "Change accounts that are there already, in the fields that the file has"
    );
    command->callback([&context, &chosen, options] {
        chosen = [&context, options] {
            return with_store(context, [&](store::Store& store) {
                return Importer(context, *options, store).run();
            });
        };
    });
}

}  // namespace sekisho::cli
