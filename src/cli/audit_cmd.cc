// sekisho audit list|export|verify: what operators looked at and did.
#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/audit_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/event_text.h"
#include "staff/audit.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string who, subject, action, since, until, file, head;
    std::size_t limit = 50;
};

constexpr std::size_t kPage = 1000;

std::optional<std::string> given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

Result<staff::AuditQuery> query_of(const Options& options) {
    staff::AuditQuery query;
    query.who = given(options.who);
    query.subject = given(options.subject);
    query.action = given(options.action);
    for (const auto& [text, place] :
         {std::pair{&options.since, &query.since}, std::pair{&options.until, &query.until}}) {
        if (!text->empty()) {
            const auto when = parse_when(*text);
            if (!when) {
                return fail(when.error());
            }
            *place = *when;
        }
    }
    return query;
}

Json to_json(const staff::AuditEntry& entry) {
    return Json::parse(staff::to_line(entry));
}

// All of them, oldest first, page by page.
Status each(
    store::Store& store,
    staff::AuditQuery query,
    const std::function<void(const staff::AuditEntry&)>& take
) {
    query.newest_first = false;
    query.limit = kPage;
    while (true) {
        const auto page = store.staff().audit(query);
        if (!page) {
            return fail(page.error());
        }
        for (const staff::AuditEntry& entry : *page) {
            take(entry);
        }
        if (page->size() < kPage) {
            return {};
        }
        query.from = page->back().number;
    }
}

int list(const Context& context, const Options& options) {
    auto query = query_of(options);
    if (!query) {
        return report(context, query.error());
    }
    query->limit = options.limit;
    return with_store(context, [&](store::Store& store) {
        const auto found = store.staff().audit(*query);
        if (!found) {
            return report(context, found.error());
        }
        Json rows = Json::array();
        std::vector<std::vector<std::string>> cells;
        for (const staff::AuditEntry& entry : *found) {
            rows.push_back(to_json(entry));
            cells.push_back(
                {std::to_string(entry.number),
                 rfc3339(entry.at),
                 printable(entry.who),
                 printable(entry.action),
                 printable(entry.subject),
                 printable(entry.reason),
                 printable(entry.outcome)}
            );
        }
        print(
            context,
            rows,
            cells.empty()
                ? "nothing is recorded"
                : table({"NO", "TIME", "WHO", "ACTION", "SUBJECT", "REASON", "OUTCOME"}, cells)
        );
        return kDone;
    });
}

int export_all(const Context& context, const Options& options) {
    const auto query = query_of(options);
    if (!query) {
        return report(context, query.error());
    }
    return with_store(context, [&](store::Store& store) {
        if (const Status noted = note_command(store, "exportAudit", "", options.file); !noted) {
            return report(context, noted.error());
        }
        std::string text;
        std::size_t count = 0;
        const Status read = each(store, *query, [&](const staff::AuditEntry& entry) {
            text += staff::to_line(entry) + "\n";
            ++count;
        });
        if (!read) {
            return report(context, read.error());
        }
        if (options.file.empty() || options.file == "-") {
            fmt::print("{}", text);
            return kDone;
        }
        constexpr unsigned kMode = 0600;
        if (const Status written = write_file_atomic(options.file, text, kMode); !written) {
            return report(context, written.error());
        }
        print(
            context,
            Json{{"file", options.file}, {"entries", count}},
            fmt::format("{}: {} entries", options.file, count)
        );
        return kDone;
    });
}

int told(const Context& context, const staff::AuditCheck& check) {
    const std::string head = fmt::format("{}:{}", check.number(), hex(check.digest()));
    std::string text = check.faults().empty()
                           ? fmt::format("{} entries, whole; head {}", check.number(), head)
                           : "the audit is not whole:";
    for (const std::string& fault : check.faults()) {
        text += "\n  " + fault;
    }
    print(
        context,
        Json{
            {"whole", check.faults().empty()},
            {"entries", check.number()},
            {"head", head},
            {"faults", check.faults()}
        },
        text
    );
    return check.faults().empty() ? kDone : kFailed;
}

// A file that `export` wrote. It may begin anywhere in the chain.
int verify_file(const Context& context, const Options& options, staff::AuditCheck check) {
    const auto content = read_file(options.file);
    if (!content) {
        return report(context, content.error());
    }
    bool first = true;
    std::size_t number = 0;
    for (const std::string_view line : split(*content, '\n')) {
        ++number;
        if (line.empty()) {
            continue;
        }
        const auto entry = staff::parse_line(line);
        if (!entry) {
            return report(
                context,
                Error{
                    Errc::Invalid,
                    fmt::format("{}:{}: {}", options.file, number, entry.error().message)
                }
            );
        }
        if (first && entry->number > 1) {
            check.begin_after(entry->number - 1, entry->previous);
        }
        first = false;
        check.take(*entry);
    }
    check.end(check.number());
    return told(context, check);
}

int verify(const Context& context, const Options& options) {
    staff::AuditCheck check;
    if (!options.head.empty()) {
        const std::size_t colon = options.head.find(':');
        std::int64_t number = 0;
        const std::string_view text{options.head};
        const auto digits = text.substr(0, colon);
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        const auto digest =
            colon == std::string::npos ? std::nullopt : unhex(text.substr(colon + 1));
        if (read.ec != std::errc{} || number < 1 || !digest || digest->size() != 32) {
            return report(
                context,
                Error{Errc::Invalid, "--head is NUMBER:DIGEST, as the log or `verify` says"}
            );
        }
        check.expect(number, *digest);
    }
    if (!options.file.empty()) {
        return verify_file(context, options, std::move(check));
    }
    return with_store(context, [&](store::Store& store) {
        const auto count = store.staff().audit_count();
        if (!count) {
            return report(context, count.error());
        }
        if (const Status read =
                each(store, {}, [&](const staff::AuditEntry& entry) { check.take(entry); });
            !read) {
            return report(context, read.error());
        }
        check.end(*count);
        return told(context, check);
    });
}

}  // namespace

void add_audit(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* top = app.add_subcommand(
        "audit", "What operators looked at and did, and why: list, export, verify"
    );
    top->require_subcommand(1);
    const auto command =
        [&](const char* name, const char* help, int (*work)(const Context&, const Options&)) {
            auto* one = top->add_subcommand(name, help);
            one->callback([&context, &chosen, options, work] {
                chosen = [&context, options, work] { return work(context, *options); };
            });
            return one;
        };
    const auto filtered = [&](CLI::App* one) {
        one->add_option("--since", options->since, "A time, or a span back from now (24h)");
        one->add_option("--until", options->until, "The same");
        return one;
    };
    auto* listing = filtered(command("list", "The newest first", list));
    listing->add_option("--who", options->who, "Of this operator");
    listing->add_option("--subject", options->subject, "About this, as it stands there");
    listing->add_option("--action", options->action, "Of this kind (lookSubscriber)");
    listing->add_option("--limit", options->limit, "Rows at the most")
        ->check(CLI::Range(1, 100000));
    filtered(command("export", "Lines of JSON with their digests, oldest first", export_all))
        ->add_option("--file", options->file, "Into a file; else to standard output");
    auto* verifying = command("verify", "Whether one was changed or taken out", verify);
    verifying->add_option("--file", options->file, "An export instead of the database");
    verifying->add_option(
        "--head", options->head, "NUMBER:DIGEST noted elsewhere: shows also what was made anew"
    );
}

}  // namespace sekisho::cli
