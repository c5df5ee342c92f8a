// sekisho line: who is behind an address at a time, and what a line held.
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "line/line.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string subject;  // an address, with its port or without; or a line
    std::string at;
    std::size_t limit = 20;
};

struct Asked {
    IpAddress address;
    std::optional<std::uint16_t> port;
};

// "192.0.2.1", "192.0.2.1:4000", "2001:db8::1", "[2001:db8::1]:4000".
Result<Asked> parse_asked(const std::string& text) {
    if (const auto address = IpAddress::parse(text)) {
        return Asked{*address, std::nullopt};
    }
    const auto endpoint = Endpoint::parse(text);
    return endpoint ? Result<Asked>{Asked{endpoint->address, endpoint->port}}
                    : fail(Errc::Invalid, "\"" + text + "\" is no address, and none with a port");
}

std::string certainty(line::Certainty value) {
    switch (value) {
        case line::Certainty::Subscriber:
            return "subscriber";
        case line::Certainty::Ambiguous:
            return "ambiguous";
        case line::Certainty::Unknown:
            return "unknown";
    }
    return "unknown";
}

Json to_json(const line::Session& session) {
    Json out{
        {"line", session.line},
        {"realm", session.realm},
        {"nas", session.nas},
        {"session", session.id},
        {"prefixes", Json::array()},
        {"ports", session.ports.text()},
        // A static table may know of no beginning.
        {"start", session.start == Time{} ? Json() : Json(rfc3339(session.start))},
        {"end", session.end ? Json(rfc3339(*session.end)) : Json()},
        {"seen", rfc3339(session.seen)}
    };
    for (const Prefix& prefix : session.prefixes) {
        out["prefixes"].push_back(prefix.text());
    }
    return out;
}

Json to_json(const std::vector<line::Session>& sessions) {
    Json out = Json::array();
    for (const line::Session& one : sessions) {
        out.push_back(to_json(one));
    }
    return out;
}

int find(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto asked = parse_asked(options.subject);
    if (!asked) {
        return report(context, asked.error());
    }
    const auto at = options.at.empty() ? std::optional(now()) : parse_rfc3339(options.at);
    if (!at) {
        return report(
            context,
            Error{Errc::Invalid, "\"" + options.at + "\" is not a time (2026-11-24T13:00:00Z)"}
        );
    }
    auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    const auto holders = (*store)->lines().holders(asked->address, *at, asked->port);
    if (!holders) {
        return report(context, holders.error());
    }
    const line::Answer answer = line::resolve(*holders, asked->address, *at, asked->port);
    Json result{
        {"address", asked->address.text()},
        {"at", rfc3339(*at)},
        {"certainty", certainty(answer.certainty)},
        {"line", answer.line},
        {"realm", answer.realm},
        {"reason", answer.reason},
        {"sessions", to_json(*holders)},
    };
    if (asked->port) {
        result["port"] = *asked->port;
    }
    print(
        context,
        result,
        fmt::format(
            "{}{}: {}",
            certainty(answer.certainty),
            answer.line.empty() ? "" : " " + answer.line,
            answer.reason
        )
    );
    return kDone;
}

int sessions(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    const auto found = (*store)->lines().sessions_of(options.subject, options.limit);
    if (!found) {
        return report(context, found.error());
    }
    std::vector<std::vector<std::string>> rows;
    for (const line::Session& one : *found) {
        std::string held;
        for (const Prefix& prefix : one.prefixes) {
            held += (held.empty() ? "" : ", ") + prefix.text() +
                    (one.shares(prefix) ? " ports " + one.ports.text() : "");
        }
        rows.push_back(
            {one.start == Time{} ? "always" : rfc3339(one.start),
             one.end ? rfc3339(*one.end) : "open",
             held.empty() ? "nothing" : held,
             one.nas,
             one.id,
             one.realm}
        );
    }
    print(
        context,
        to_json(*found),
        rows.empty() ? "no session of line " + options.subject + " is known"
                     : table({"FROM", "UNTIL", "HELD", "NAS", "SESSION", "REALM"}, rows)
    );
    return kDone;
}

}  // namespace

void add_line(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* line =
        app.add_subcommand("line", "Who is behind an address at a time: with an address, as find");
    const auto asking = [&context, &chosen, options] {
        chosen = [&context, options] { return find(context, *options); };
    };
    const auto add_find = [options](CLI::App& command) {
        command.add_option("--at", options->at, "The time (now when not given)");
        return command.add_option(
            "address", options->subject, "The address, with :PORT where several lines share it"
        );
    };
    auto* finding = line->add_subcommand("find", "The line that holds an address, and why");
    add_find(*finding)->required();
    finding->callback(asking);

    auto* listing = line->add_subcommand("sessions", "What a line held, newest first");
    listing->add_option("line", options->subject, "The line")->required();
    listing->add_option("--limit", options->limit, "Rows at the most")
        ->check(CLI::Range(1, 100000));
    listing->callback([&context, &chosen, options] {
        chosen = [&context, options] { return sessions(context, *options); };
    });

    // The short form; a line's subcommands come first.
    add_find(*line);
    line->callback([line, options, asking] {
        if (line->get_subcommands().empty()) {
            if (options->subject.empty()) {
                throw CLI::RequiredError("address");
            }
            asking();
        }
    });
}

}  // namespace sekisho::cli
