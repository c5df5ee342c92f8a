#include "cli/context.h"

#include "base/bytes.h"
#include "base/result.h"
#include "cli/event_feeds.h"
#include "cli/reply_rules.h"
#include "config/config.h"
#include "config/reader.h"
#include "net/control.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace sekisho::cli {
namespace {

// How wide a text stands on a terminal: CJK takes two columns.
std::size_t width(std::string_view text) {
    std::size_t columns = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xc0U) != 0x80U) {
            columns += byte >= 0xe3 && byte <= 0xed ? 2 : 1;
        }
    }
    return columns;
}

Errc code_by_name(const std::string& text) {
    for (const Errc code :
         {Errc::Invalid,
          Errc::NotFound,
          Errc::Conflict,
          Errc::Denied,
          Errc::Unavailable,
          Errc::Full,
          Errc::Corrupt,
          Errc::Timeout,
          Errc::Cancelled,
          Errc::Closed}) {
        if (text == name(code)) {
            return code;
        }
    }
    return Errc::Unavailable;
}

}  // namespace

std::string find_config(const Context& context) {
    if (!context.config_file.empty()) {
        return context.config_file;
    }
    if (const char* named = std::getenv("SEKISHO_CONFIG"); named != nullptr && *named != '\0') {
        return named;
    }
    for (const char* place : {"sekisho.toml", "var/sekisho.toml", "/etc/sekisho/sekisho.toml"}) {
        if (std::filesystem::exists(place)) {
            return place;
        }
    }
    return "/etc/sekisho/sekisho.toml";
}

std::expected<config::Config, int> load_config(const Context& context) {
    auto loaded = config::load(find_config(context));
    if (!loaded) {
        Json problems = Json::array();
        for (const config::Problem& problem : loaded.error()) {
            fmt::print(stderr, "{}\n", printable(problem.message(), 1000));
        }
        return std::unexpected(kUsage);
    }
    config::Config config = loaded->resolved();
    for (const Status& read : {follow_replies(config), check_feeds(config.events)}) {
        if (!read) {
            fmt::print(stderr, "{}\n", printable(read.error().message, 1000));
            return std::unexpected(kUsage);
        }
    }
    return config;
}

std::string operator_name() {
    if (const char* sudo = std::getenv("SUDO_USER"); sudo != nullptr && *sudo != '\0') {
        return sudo;
    }
    const passwd* entry = getpwuid(getuid());
    return entry != nullptr ? entry->pw_name : std::to_string(getuid());
}

int report(const Context& context, const Error& error) {
    if (context.json) {
        fmt::print(
            "{}\n",
            Json{
                {"error", {{"code", name(error.code)}, {"message", printable(error.message, 1000)}}}
            }.dump()
        );
    } else {
        fmt::print(stderr, "sekisho: {}\n", printable(error.message, 1000));
    }
    return error.code == Errc::Invalid ? kUsage : kFailed;
}

void print(const Context& context, const Json& result, const std::string& text) {
    if (context.json) {
        fmt::print("{}\n", result.dump(2, ' ', false, Json::error_handler_t::replace));
    } else {
        fmt::print("{}{}", text, text.empty() || text.ends_with('\n') ? "" : "\n");
    }
}

std::string table(
    const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows
) {
    std::vector<std::size_t> widths;
    for (const std::string& cell : header) {
        widths.push_back(width(cell));
    }
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], width(row[i]));
        }
    }
    const auto line = [&widths](const std::vector<std::string>& cells) {
        std::string out;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const bool last = i + 1 == cells.size();
            out += cells[i] + (last ? "" : std::string(widths[i] - width(cells[i]) + 2, ' '));
        }
        return out + "\n";
    };
    std::string out = line(header);
    for (const auto& row : rows) {
        out += line(row);
    }
    return out;
}

Result<Json> ask(const config::Config& config, const std::string& role, const Json& request) {
    using namespace std::chrono_literals;
    // What is about all queued messages reads them from disk; what is about an address elsewhere
    // waits for the DNS.
    const std::string command = request.value("command", "");
    const bool slow = command.starts_with("queue-") || command.starts_with("sendas-") ||
                      command.starts_with("reports-");
    const auto reply =
        net::call_control(config.socket(role), request.dump(), slow ? Duration{120s} : 10s);
    if (!reply) {
        return fail(
            reply.error().code,
            "the role " + role + " does not answer (" + reply.error().message + "); is it running?"
        );
    }
    const Json parsed = Json::parse(*reply, nullptr, false);
    if (parsed.is_discarded() || !parsed.is_object()) {
        return fail(Errc::Corrupt, "the role " + role + " gave an answer that is no JSON object");
    }
    if (!parsed.value("ok", false)) {
        const Json error = parsed.value("error", Json::object());
        return fail(
            code_by_name(error.value("code", "")),
            error.value("message", "the role " + role + " refused")
        );
    }
    return parsed.value("result", Json());
}

int ask_mail(const Context& context, const Json& request, std::string (*text)(const Json&)) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto answer = ask(*config, "mail", request);
    if (!answer) {
        return report(context, answer.error());
    }
    print(context, *answer, text(*answer));
    return kDone;
}

Result<bool> agreed(const std::string& question) {
    if (isatty(STDIN_FILENO) == 0) {
        return fail(Errc::Invalid, "nobody to ask here: say --yes, or --dry-run to look only");
    }
    fmt::print(stderr, "{} [y/N] ", question);
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

std::string done_text(const Json& answer) {
    return answer.value("text", "done");
}

}  // namespace sekisho::cli
