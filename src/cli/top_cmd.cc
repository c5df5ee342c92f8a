// sekisho top: what goes on, live in the terminal: roles, queue, rates of events, who is blocked,
// deferred and refused most. Reads the journal and asks the roles; looks at no message.
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "event/event.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string window = "5m";
    int every_seconds = 2;
    bool once = false;
};

constexpr std::size_t kRowsRead = 20'000;
constexpr std::size_t kShown = 8;

volatile std::sig_atomic_t g_stop = 0;

std::string who_of(const event::Event& one) {
    for (const std::string* name : {&one.account, &one.line, &one.address, &one.sender}) {
        if (!name->empty()) {
            return *name;
        }
    }
    return "(not known)";
}

struct Busy {
    std::int64_t count = 0;
    Time last{};
    std::string detail;
};

struct Group {
    const char* title;
    std::vector<event::Kind> kinds;
};

const std::vector<Group>& groups() {
    using event::Kind;
    static const std::vector<Group> kGroups{
        {"BLOCKED ON 25", {Kind::GateBlocked, Kind::GateAnswered, Kind::GateWouldBlock}},
        {"LOGINS REFUSED", {Kind::LoginRefused}},
        {"DEFERRED OR RETURNED", {Kind::Deferred, Kind::Bounced, Kind::Expired}},
        {"REFUSED", {Kind::Refused}},
    };
    return kGroups;
}

Json role_of(const config::Config& config, const char* role) {
    const auto answer = ask(config, role, Json{{"command", "status"}});
    return answer ? *answer : Json();
}

Result<Json> look(const config::Config& config, store::Store& store, Duration window) {
    const Time at = now();
    Json out{{"at", rfc3339(at)}, {"window_seconds", window.count() / 1000}};
    for (const char* role : {"gate", "mail"}) {
        const Json status = role_of(config, role);
        out["roles"][role] = !status.is_null();
        if (std::string(role) == "mail" && status.contains("queue")) {
            out["queue"] = status["queue"];
        }
    }
    const auto totals = store.journal().totals(at - window);
    if (!totals) {
        return fail(totals.error());
    }
    out["events"] = Json::object();
    for (const auto& [kind, count] : *totals) {
        out["events"][std::string(event::name(kind))] = count;
    }
    for (const Group& group : groups()) {
        event::Query query;
        query.kinds = group.kinds;
        query.since = at - window;
        query.limit = kRowsRead;
        const auto found = store.journal().find(query);
        if (!found) {
            return fail(found.error());
        }
        std::map<std::string, Busy> by;
        for (const event::Event& one : *found) {
            Busy& busy = by[who_of(one)];
            busy.count += one.count;
            if (one.at >= busy.last) {
                busy.last = one.at;
                busy.detail = one.rule.empty() ? one.detail : one.rule + ": " + one.detail;
            }
        }
        std::vector<std::pair<std::string, Busy>> order(by.begin(), by.end());
        std::ranges::sort(order, std::greater{}, [](const auto& row) { return row.second.count; });
        order.resize(std::min(order.size(), kShown));
        Json rows = Json::array();
        for (const auto& [who, busy] : order) {
            rows.push_back(
                {{"who", who},
                 {"count", busy.count},
                 {"last", rfc3339(busy.last)},
                 {"detail", busy.detail}}
            );
        }
        out["most"][group.title] = std::move(rows);
    }
    return out;
}

// Cut to the width of the terminal, so that no line breaks.
std::string screen(const Json& seen, std::size_t columns) {
    std::string out = fmt::format(
        "sekisho top  {}  the last {} s   gate {}  mail {}\n",
        seen.value("at", ""),
        seen.value("window_seconds", std::int64_t{0}),
        seen["roles"].value("gate", false) ? "up" : "DOWN",
        seen["roles"].value("mail", false) ? "up" : "DOWN"
    );
    if (seen.contains("queue")) {
        const Json& queue = seen["queue"];
        const auto number = [&queue](const char* key) { return queue.value(key, std::int64_t{0}); };
        out += fmt::format(
            "queue  waiting {}  held {}  in delivery {}  scheduled {}{}\n",
            number("queued"),
            number("held"),
            number("in_delivery"),
            number("scheduled"),
            queue.value("writable", true) ? "" : "  SPOOL NOT WRITABLE"
        );
    }
    out += "events";
    for (const auto& [kind, count] : seen["events"].items()) {
        out += fmt::format("  {} {}", kind, count.get<std::int64_t>());
    }
    out += "\n";
    for (const auto& [title, rows] : seen["most"].items()) {
        out += "\n" + title + "\n";
        for (const Json& row : rows) {
            out += fmt::format(
                "{:>9}  {:<32} {}\n",
                row.value("count", std::int64_t{0}),
                printable(row.value("who", ""), 64),
                printable(row.value("detail", ""))
            );
        }
        out += rows.empty() ? "        -\n" : "";
    }
    std::string cut;
    std::size_t width = 0;
    for (const char c : out) {
        const bool begins = (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
        width = c == '\n' ? 0 : width + (begins ? 1 : 0);
        if (c == '\n' || width <= columns) {
            cut += c;
        }
    }
    return cut;
}

std::size_t terminal_columns() {
    winsize size{};
    constexpr std::size_t kUsual = 100;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

int top(const Context& context, const Options& options) {
    const auto window = parse_duration(options.window);
    if (!window || window->count() < 1000) {
        return report(context, Error{Errc::Invalid, "--window is a duration, such as 5m"});
    }
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    return with_store(context, [&](store::Store& store) {
        const bool live = !options.once && !context.json && isatty(STDOUT_FILENO) != 0;
        if (live) {
            std::signal(SIGINT, [](int) { g_stop = 1; });
            std::signal(SIGTERM, [](int) { g_stop = 1; });
            fmt::print("\x1b[?1049h\x1b[?25l");  // another screen, no cursor
        }
        int code = kDone;
        while (g_stop == 0) {
            const auto seen = look(*config, store, *window);
            if (!seen) {
                code = report(context, seen.error());
                break;
            }
            if (!live) {
                print(context, *seen, screen(*seen, terminal_columns()));
                break;
            }
            fmt::print("\x1b[H\x1b[2J{}", screen(*seen, terminal_columns()));
            std::fflush(stdout);
            for (int tenth = 0; tenth < options.every_seconds * 10 && g_stop == 0; ++tenth) {
                std::this_thread::sleep_for(std::chrono::milliseconds{100});
            }
        }
        if (live) {
            fmt::print("\x1b[?25h\x1b[?1049l");
            std::fflush(stdout);
        }
        return code;
    });
}

}  // namespace

void add_top(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand(
        "top", "What goes on, live: roles, queue, who is blocked, refused and deferred most"
    );
    command->add_option("--window", options->window, "How far back it counts (5m)");
    command->add_option("--every", options->every_seconds, "Seconds between two looks")
        ->check(CLI::Range(1, 3600));
    command->add_flag("--once", options->once, "Once, then end; so too when nobody watches");
    command->callback([&context, &chosen, options] {
        chosen = [&context, options] { return top(context, *options); };
    });
}

}  // namespace sekisho::cli
